package resource

import "strings"

// pattern is the segments of a path with names in it.
type pattern []string

func newPattern(path string) pattern {
	return strings.Split(strings.Trim(path, "/"), "/")
}

// match tells whether a path is of the pattern, and what its named segments are.
func (p pattern) match(path []string) (segments map[string]string, ok bool) {
	set := func(name, value string) {
		if segments == nil {
			segments = map[string]string{}
		}
		segments[name] = value
	}
	for i, want := range p {
		if i >= len(path) {
			return nil, false
		}
		name, named := strings.CutPrefix(want, "{")
		name = strings.TrimSuffix(name, "}")
		rest, all := strings.CutSuffix(name, "...")
		switch {
		case named && all:
			set(rest, strings.Join(path[i:], "/"))
			return segments, true
		case named:
			set(name, path[i])
		case !strings.EqualFold(want, path[i]):
			return nil, false
		}
	}
	return segments, len(p) == len(path)
}
