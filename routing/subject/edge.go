package subject

import (
	"strconv"
	"strings"

	"limegrove/presence"
)

// Roots of the subjects between processes.
const (
	rootAuth = "auth."
	rootEdge = "edge."
	rootAck  = "ack."
)

// Auth is where the routers take the logins of a scheme.
func Auth(scheme string) string { return rootAuth + string(appendLabel(nil, []byte(scheme))) }

// Guests is where they take several logins of guests at once. No scheme has this subject: labels have no dots.
const Guests = rootAuth + "guest.all"

// Control is where one edge is told something, and Edge covers all that is for it
// alone, the fates of its envelopes included.
func Control(e presence.EdgeID) string { return rootEdge + string(e) + ".ctl" }

// Heard is where an edge finds out whether it hears what is for it.
func Heard(e presence.EdgeID) string { return rootEdge + string(e) + ".heard" }

// Edge is what an edge subscribes to for Control, Heard and ReplyPrefix.
func Edge(e presence.EdgeID) string { return rootEdge + string(e) + ".>" }

// ReplyPrefix begins the reply subjects of one edge; see AppendReply.
func ReplyPrefix(e presence.EdgeID) string { return rootEdge + string(e) + ".re." }

// Standing is what a reply subject tells of who has sent a message, where that is no member
// with an account: a recipient may not want to hear from everybody.
type Standing uint8

// The standings of a message's sender.
const (
	Member    Standing = iota // whoever is none of those below
	Guest                     // it was let in as a guest
	Authority                 // it has authority over the recipient's domain
)

// By returns a prefix as AppendReply wants it for a sender with a standing, made of that of
// ReplyPrefix. It adds noughts to the hops, which count for nothing to who does not know
// them: processes of an earlier version take everybody for a member.
func (s Standing) By(prefix string) string { return prefix + "00"[:s] }

// NoReply is the sequence of a publication whose fate nobody is told.
const NoReply = 0

// AppendReply appends edge.<incarnation>.re.<hops>.<sequence>: where the fate of an
// envelope is told. It also says to every hub where the envelope came from and how
// often it has been forwarded, at the price of no header.
func AppendReply(dst []byte, prefix string, hops int, sequence uint64) []byte {
	dst = append(dst, prefix...)
	dst = strconv.AppendInt(dst, int64(hops), 10)
	dst = append(dst, '.')
	return strconv.AppendUint(dst, sequence, 36)
}

// AppendNoReply is AppendReply for a publication whose fate nobody is told. What comes
// to that subject is of no use; the turn only tells the envelope from others of the edge.
func AppendNoReply(dst []byte, prefix string, hops int, turn uint64) []byte {
	dst = append(dst, prefix...)
	dst = strconv.AppendInt(dst, int64(hops), 10)
	dst = append(dst, '.', noReplyMark)
	return strconv.AppendUint(dst, turn, 36)
}

const noReplyMark = '-'

// Origin is what a reply subject tells of a publication.
type Origin struct {
	Edge     presence.EdgeID
	Hops     int
	By       Standing
	Sequence uint64 // or NoReply
	Turn     uint64 // tells the publication from others of the edge, but those with another kind of sequence
}

// ParseReply takes a reply subject apart.
func ParseReply(subject string) (o Origin, ok bool) {
	rest, ok := strings.CutPrefix(subject, rootEdge)
	if !ok {
		return Origin{}, false
	}
	edge, rest, ok := strings.Cut(rest, ".re.")
	if !ok {
		return Origin{}, false
	}
	hops, sequence, ok := strings.Cut(rest, ".")
	if !ok {
		return Origin{}, false
	}
	var by Standing
	for ; len(hops) > 1 && hops[0] == '0'; hops = hops[1:] {
		if by++; by > Authority {
			return Origin{}, false
		}
	}
	h, err := strconv.ParseUint(hops, 10, 16)
	if err != nil {
		return Origin{}, false
	}
	turn, noReply := strings.CutPrefix(sequence, string(noReplyMark))
	s, err := strconv.ParseUint(turn, 36, 64)
	if err != nil {
		return Origin{}, false
	}
	o = Origin{Edge: presence.EdgeID(edge), Hops: int(h), By: by, Sequence: s, Turn: s}
	if noReply {
		o.Sequence = NoReply
	}
	return o, true
}
