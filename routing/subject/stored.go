package subject

import (
	"hash/crc32"
	"strconv"
	"strings"
	"unsafe"

	"limegrove/lime"
	"limegrove/presence"
)

// Roots of the streams' subjects.
const (
	rootLog   = "log."
	rootInbox = "inbox."
)

// Everything covers all that streams republish to.
const Everything = rootTo + ">"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Partition returns which of n partitions an identity belongs to. The answer is part
// of what is stored: it must never change.
func (k Key) Partition(n int) int {
	if n == 1 {
		return 0
	}
	// Without a copy: the checksum only reads.
	return int(crc32.Checksum(unsafe.Slice(unsafe.StringData(string(k)), len(k)), castagnoli) % uint32(n))
}

// Mark stands behind the partition in the subject of a message that package stream
// keeps in each stream for itself. It is nobody's address.
const Mark = "_mark"

// Swept is whose floor says up to where the sweep has looked at the log of a partition.
// It is nobody's: names have no slash.
func Swept(p int) lime.Identity {
	return lime.Identity{Name: "sweep/" + strconv.Itoa(p), Domain: "limegrove"}
}

// LogStream names the log of a partition.
func LogStream(p int) string { return "LOG_" + strconv.Itoa(p) }

// InboxStream names the inbox of a partition.
func InboxStream(p int) string { return "INBOX_" + strconv.Itoa(p) }

// PartitionOf is the partition of which a stream is the log or the inbox; it is not ok
// for any other stream.
func PartitionOf(stream string) (p int, ok bool) {
	number, ok := strings.CutPrefix(stream, "LOG_")
	if !ok {
		if number, ok = strings.CutPrefix(stream, "INBOX_"); !ok {
			return 0, false
		}
	}
	p, err := strconv.Atoi(number)
	return p, err == nil && p >= 0
}

// LogAll is what the log of a partition holds.
func LogAll(p int) string { return rootLog + strconv.Itoa(p) + ".>" }

// InboxAll is what the inbox of a partition holds.
func InboxAll(p int) string { return rootInbox + strconv.Itoa(p) + ".>" }

// Log is where messages for an address are logged; the token is an instance's, or
// Identity.
func (k Key) Log(p int, token string) string { return stored(rootLog, p, k, token) }

// AppendLog appends what Log returns.
func (k Key) AppendLog(dst []byte, p int, token string) []byte {
	dst = strconv.AppendInt(append(dst, rootLog...), int64(p), 10)
	dst = append(append(dst, '.'), k...)
	return append(append(dst, '.'), token...)
}

// Inbox is where messages for an address wait.
func (k Key) Inbox(p int, token string) string { return stored(rootInbox, p, k, token) }

// To is where whoever is there hears what is stored for an address.
func (k Key) To(token string) string { return rootTo + string(k) + "." + token }

func stored(root string, p int, k Key, token string) string {
	return root + strconv.Itoa(p) + "." + string(k) + "." + token
}

// SplitStored takes the subject of a logged or waiting message apart.
func SplitStored(subject string) (key Key, token string, ok bool) {
	rest, ok := strings.CutPrefix(subject, rootLog)
	if !ok {
		if rest, ok = strings.CutPrefix(subject, rootInbox); !ok {
			return "", "", false
		}
	}
	_, rest, ok = strings.Cut(rest, ".") // the partition
	i := strings.LastIndexByte(rest, '.')
	if !ok || i < 0 {
		return "", "", false
	}
	return Key(rest[:i]), rest[i+1:], true
}

// Acks is where an edge hears what became of what it has stored, and AckPrefix begins
// the reply subjects; see AppendAck.
func Acks(e presence.EdgeID) string { return rootAck + string(e) + ".>" }

// AckPrefix begins the subjects that Acks covers.
func AckPrefix(e presence.EdgeID) string { return rootAck + string(e) + "." }

// AppendAck appends ack.<incarnation>.<p>.<sequence>: where JetStream answers.
func AppendAck(dst []byte, prefix string, p int, sequence uint64) []byte {
	dst = append(dst, prefix...)
	dst = strconv.AppendInt(dst, int64(p), 10)
	dst = append(dst, '.')
	return strconv.AppendUint(dst, sequence, 36)
}

// ParseAck takes a subject of AppendAck apart.
func ParseAck(subject, prefix string) (p int, sequence uint64, ok bool) {
	rest, ok := strings.CutPrefix(subject, prefix)
	if !ok {
		return 0, 0, false
	}
	partition, text, ok := strings.Cut(rest, ".")
	if !ok {
		return 0, 0, false
	}
	p, err := strconv.Atoi(partition)
	if err != nil {
		return 0, 0, false
	}
	sequence, err = strconv.ParseUint(text, 36, 64)
	return p, sequence, err == nil
}
