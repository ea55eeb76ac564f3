package lime

import (
	"encoding/binary"
	"slices"
)

// Taken is a Capability made short, for those who are only to know what a session takes: of
// each type a hash. Where two types have the same one it takes more than the Capability.
type Taken struct {
	Contents   []uint32 `json:"contents,omitempty"`   // sorted; empty for all
	Resources  []uint32 `json:"resources,omitempty"`  // likewise
	NoCommands bool     `json:"noCommands,omitempty"` // not even one without a resource
}

// Taken returns c made short; nil when it takes everything.
func (c *Capability) Taken() *Taken {
	if c == nil || c.ContentTypes == nil && c.ResourceTypes == nil {
		return nil
	}
	t := &Taken{Contents: hashTypes(c.ContentTypes)}
	if c.ResourceTypes != nil {
		t.Resources, t.NoCommands = hashTypes(*c.ResourceTypes), len(*c.ResourceTypes) == 0
	}
	return t
}

// Takes tells whether an envelope is of a type that is taken, as Capability.Takes does. The nil
// Taken takes everything.
func (t *Taken) Takes(h *Header) bool {
	if t == nil {
		return true
	}
	switch h.Kind {
	case KindMessage:
		return hasHash(t.Contents, h.Type)
	case KindCommand:
		return h.Status != 0 || !t.NoCommands && (h.Type == nil || hasHash(t.Resources, h.Type))
	}
	return true
}

// Equal tells whether two take the same.
func (t *Taken) Equal(other *Taken) bool {
	if t == nil || other == nil {
		return t == other
	}
	return t.NoCommands == other.NoCommands && slices.Equal(t.Contents, other.Contents) && slices.Equal(t.Resources, other.Resources)
}

// Append appends t, in a form that ParseTaken reads: a byte that is 1 for no commands, the
// number of content types (uvarint), and 4 bytes for each type.
func (t *Taken) Append(dst []byte) []byte {
	if t.NoCommands {
		dst = append(dst, 1)
	} else {
		dst = append(dst, 0)
	}
	dst = binary.AppendUvarint(dst, uint64(len(t.Contents)))
	for _, types := range [][]uint32{t.Contents, t.Resources} {
		for _, h := range types {
			dst = binary.BigEndian.AppendUint32(dst, h)
		}
	}
	return dst
}

// ParseTaken reads what Append has made. It returns nil, which takes everything, for
// anything else.
func ParseTaken(b []byte) *Taken {
	if len(b) < 2 || b[0] > 1 {
		return nil
	}
	n, w := binary.Uvarint(b[1:])
	if w <= 0 {
		return nil
	}
	t := &Taken{NoCommands: b[0] == 1}
	b = b[1+w:]
	if len(b)%4 != 0 || n > uint64(len(b)/4) || len(b) > 8*maxCapability || len(b) == 0 && !t.NoCommands {
		return nil
	}
	for i := uint64(0); len(b) > 0; i++ {
		h := binary.BigEndian.Uint32(b)
		if b = b[4:]; i < n {
			t.Contents = append(t.Contents, h)
		} else {
			t.Resources = append(t.Resources, h)
		}
	}
	return t
}

func hashTypes(types []string) (all []uint32) {
	for _, t := range types {
		all = append(all, hashType([]byte(t)))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func hasHash(types []uint32, mediaType []byte) bool {
	if len(types) == 0 {
		return true
	}
	_, ok := slices.BinarySearch(types, hashType(withoutParameters(mediaType)))
	return ok
}

// hashType is FNV-1a of a media type in lower case. It is part of the format.
func hashType(mediaType []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range mediaType {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}
