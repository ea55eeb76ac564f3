package lime

import (
	"encoding/json"
	"strings"
)

// Capability is the resource /capability, application/vnd.lime.capability+json: what a session
// takes of what others send. The zero Capability takes everything.
type Capability struct {
	// ContentTypes are the media types of messages; nil for all.
	ContentTypes []string `json:"contentTypes,omitempty"`

	// ResourceTypes are those of the resources of commands; nil for all. With none of them no
	// command is taken.
	ResourceTypes *[]string `json:"resourceTypes,omitempty"`
}

// maxCapability bounds the types of each kind.
const maxCapability = 256

// ParseCapability reads what a client sets. Unknown properties are left alone. An error is a
// *Reason with CodeCommandInvalidArgument.
func ParseCapability(b []byte) (Capability, error) {
	var c Capability
	if json.Unmarshal(b, &c) != nil {
		return Capability{}, NewReason(CodeCommandInvalidArgument, "The capability is malformed")
	}
	lists := [][]string{c.ContentTypes}
	if c.ResourceTypes != nil {
		lists = append(lists, *c.ResourceTypes)
	}
	for _, types := range lists {
		if len(types) > maxCapability {
			return Capability{}, NewReason(CodeCommandInvalidArgument, "There are more than %d types", maxCapability)
		}
		for i, text := range types {
			t, err := ParseMediaType(text)
			if err != nil || len(text) > MaxID {
				return Capability{}, NewReason(CodeCommandInvalidArgument, "A type is no media type")
			}
			types[i] = strings.ToLower(t.String())
		}
	}
	if c.ContentTypes != nil && len(c.ContentTypes) == 0 {
		return Capability{}, NewReason(CodeCommandInvalidArgument, "contentTypes is absent, or has a type")
	}
	return c, nil
}

// Takes tells whether an envelope is of a type that is taken. Of commands that are requests
// alone; one without a resource has no type, and is taken unless no command is. It does not
// allocate.
func (c *Capability) Takes(h *Header) bool {
	switch h.Kind {
	case KindMessage:
		return c.ContentTypes == nil || hasType(c.ContentTypes, h.Type)
	case KindCommand:
		if c.ResourceTypes == nil || h.Status != 0 {
			return true
		}
		return len(*c.ResourceTypes) > 0 && (h.Type == nil || hasType(*c.ResourceTypes, h.Type))
	}
	return true
}

// hasType tells whether one of types, which are in lower case, is a media type. Its parameters
// do not count.
func hasType(types []string, mediaType []byte) bool {
	mediaType = withoutParameters(mediaType)
	for _, t := range types {
		if equalASCIIFold(mediaType, t) {
			return true
		}
	}
	return false
}

func withoutParameters(mediaType []byte) []byte {
	for i, c := range mediaType {
		if c == ';' {
			mediaType = mediaType[:i]
			break
		}
	}
	for len(mediaType) > 0 && mediaType[len(mediaType)-1] == ' ' {
		mediaType = mediaType[:len(mediaType)-1]
	}
	return mediaType
}
