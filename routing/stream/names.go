package stream

import "strconv"

// The names of streams and subjects of partition p.

func logStream(p int) string   { return "LOG_" + strconv.Itoa(p) }
func inboxStream(p int) string { return "INBOX_" + strconv.Itoa(p) }

// logPrefix and inboxPrefix are what subjects of the partition begin with, the last
// dot included.
func logPrefix(p int) string   { return "log." + strconv.Itoa(p) + "." }
func inboxPrefix(p int) string { return "inbox." + strconv.Itoa(p) + "." }

func logAll(p int) string   { return logPrefix(p) + ">" }
func inboxAll(p int) string { return inboxPrefix(p) + ">" }

// toAll is where both are republished.
const toAll = "to.>"

// markLabel ends the subject of a mark. No label of an address begins with an
// underscore.
const markLabel = "_mark"
