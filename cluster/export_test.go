package cluster

import (
	"github.com/sirupsen/logrus"

	"limegrove/internal/complaint"
)

// JoinOnce contacts addr without Run.
func JoinOnce(c *Cluster, addr string) error {
	_, err := c.list.Join([]string{addr})
	return err
}

// WriteLog hands lines to the adapter for memberlist's log.
func WriteLog(log logrus.FieldLogger, lines ...string) {
	w := logWriter{log, &complaint.Log{Logger: log}}
	for _, line := range lines {
		_, _ = w.Write([]byte(line))
	}
}
