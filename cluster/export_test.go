package cluster

import "github.com/sirupsen/logrus"

// JoinOnce contacts addr without Run.
func JoinOnce(c *Cluster, addr string) error {
	_, err := c.list.Join([]string{addr})
	return err
}

// WriteLog hands a line to the adapter for memberlist's log.
func WriteLog(log logrus.FieldLogger, line string) {
	_, _ = logWriter{log}.Write([]byte(line))
}
