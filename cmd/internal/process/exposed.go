package process

import (
	"github.com/sirupsen/logrus"

	"limegrove/internal/config"
)

// WarnOfExposed tells of secrets on the command line.
func WarnOfExposed(log logrus.FieldLogger, s *config.Settings) {
	if names := s.Exposed(); len(names) > 0 {
		log.WithField("flags", flags(names)).Warn("secrets stand on the command line, which /debug/pprof/cmdline and the list of processes show; give them by the environment or a file")
	}
}
