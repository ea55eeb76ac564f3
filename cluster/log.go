package cluster

import (
	"strings"

	"github.com/sirupsen/logrus"

	"limegrove/internal/complaint"
)

// logWriter takes memberlist's log, one line a Write: "[WARN] memberlist: text".
// What it warns of may come with every packet of a stranger: all of it is told in detail alone.
type logWriter struct {
	log  logrus.FieldLogger
	warn *complaint.Log
}

// Write borrows line.
func (w logWriter) Write(line []byte) (int, error) {
	level, text := splitLevel(strings.TrimSpace(string(line)))
	text = strings.TrimPrefix(text, "memberlist: ")
	switch level {
	case "DEBUG":
		w.log.Debug(text)
	case "INFO":
		w.log.Info(text)
	default: // WARN, what names no level, and errors: they are of peers, or of our own end
		w.log.Debug(text)
		w.warn.Warn("gossip has trouble", text)
	}
	return len(line), nil
}

// splitLevel takes "[LEVEL] " off s.
func splitLevel(s string) (level, rest string) {
	if !strings.HasPrefix(s, "[") {
		return "", s
	}
	level, rest, ok := strings.Cut(s[1:], "] ")
	if !ok {
		return "", s
	}
	return level, rest
}
