package client

import (
	"strings"

	"limegrove/lime"
)

// PriorityByType is a Config.Priority by media types, in whatever case and without parameters.
// A type that is not named has 0.
func PriorityByType(priorities map[string]int) func(*lime.Message) int {
	byType := make(map[string]int, len(priorities))
	for name, n := range priorities {
		byType[bareType(name)] = n
	}
	return func(m *lime.Message) int { return byType[bareType(m.Type)] }
}

// bareType is a media type in lower case without parameters.
func bareType(mediaType string) string {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// rankOf is a message's priority.
func (c *Config) rankOf(m *lime.Message) int {
	if c.Priority == nil {
		return 0
	}
	return c.Priority(m)
}
