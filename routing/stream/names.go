package stream

import (
	"strings"

	"limegrove/routing/subject"
)

// What package subject names, in the words of this one.

func logStream(p int) string   { return subject.LogStream(p) }
func inboxStream(p int) string { return subject.InboxStream(p) }

func logAll(p int) string   { return subject.LogAll(p) }
func inboxAll(p int) string { return subject.InboxAll(p) }

// logPrefix and inboxPrefix are what subjects of the partition begin with, the last
// dot included.
func logPrefix(p int) string   { return strings.TrimSuffix(logAll(p), ">") }
func inboxPrefix(p int) string { return strings.TrimSuffix(inboxAll(p), ">") }

// toAll is where both are republished.
const toAll = subject.Everything

// markLabel ends the subject of a mark.
const markLabel = subject.Mark
