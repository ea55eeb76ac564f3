package config

import (
	"flag"
	"fmt"
	"slices"
)

// Source is what a setting's value comes from.
type Source string

// The sources, the strongest first.
const (
	SourceFlag        Source = "flag"
	SourceEnvironment Source = "environment"
	SourceFile        Source = "file"
	SourceDefault     Source = "default"
)

// Settings are all flags of a command with what they were given. They are not changed.
type Settings struct {
	// Check is whether -check is given: nothing is to be started.
	Check bool

	command string
	groups  []group
	all     map[string]setting
}

// setting is what one flag was given.
type setting struct {
	value  string // as its flag takes it
	inside string // what is in force, where that is no text of the flag's own; else the value
	source Source
	kind   kind
}

// kind is how a value looks in YAML.
type kind int

const (
	kindText kind = iota
	kindBare      // a number, a bool or a duration
	kindList
)

// notKeys are the flags that say what to do with a configuration, and are no part of it.
var notKeys = []string{"config", "check"}

// isKey tells whether a flag may stand in the file of -config.
func isKey(name string) bool { return !slices.Contains(notKeys, name) }

// settings returns what the flags have now.
func (b *binder) settings() *Settings {
	s := &Settings{Check: b.check, command: b.fs.Name(), groups: b.groups, all: map[string]setting{}}
	b.fs.VisitAll(func(f *flag.Flag) {
		if !isKey(f.Name) {
			return
		}
		one := setting{value: f.Value.String(), source: SourceDefault, kind: kindOf(f)}
		one.inside = one.value
		if from, given := b.sources[f.Name]; given {
			one.source = from
		}
		s.all[f.Name] = one
	})
	return s
}

func kindOf(f *flag.Flag) kind {
	if _, is := f.Value.(interface{ isList() }); is {
		return kindList
	}
	if b, is := f.Value.(interface{ IsBoolFlag() bool }); is && b.IsBoolFlag() {
		return kindBare
	}
	switch f.Value.(flag.Getter).Get().(type) {
	case string:
		return kindText
	default:
		return kindBare
	}
}

// with returns s with what is in force of flags that were given nothing.
func (s *Settings) with(inForce map[string]string) *Settings {
	for name, value := range inForce {
		if one, is := s.all[name]; is && one.source == SourceDefault {
			one.inside = value
			s.all[name] = one
		}
	}
	return s
}

// take gives the flags what s has. Those that s has by default keep theirs.
func (b *binder) take(s *Settings) error {
	for _, g := range b.groups {
		for _, name := range g.flags {
			one, is := s.all[name]
			if !is || one.source == SourceDefault {
				continue
			}
			if err := b.fs.Set(name, one.value); err != nil {
				return fmt.Errorf("invalid value %q for flag -%s: %w", one.value, name, err)
			}
		}
	}
	return nil
}

// Next returns what is in force when a running process of s is told to take next, which was read of the same flags and
// environment: of the flags whose [Effect] is AfterRestart, and of those in fixed, what s has; of all others what next has.
// kept are the flags of which next has something else than what is in force, in the order of the page of settings.
func (s *Settings) Next(next *Settings, fixed ...string) (merged *Settings, kept []string) {
	merged = &Settings{Check: s.Check, command: s.command, groups: s.groups, all: map[string]setting{}}
	for _, g := range s.groups {
		for _, name := range g.flags {
			was, is := s.all[name]
			if !is {
				continue
			}
			will := next.all[name]
			if was.value != will.value && (effects[name] == "" || slices.Contains(fixed, name) || turned(name, was.value, will.value)) {
				kept = append(kept, name)
				will = was
			}
			merged.all[name] = will
		}
	}
	return merged, kept
}

// Changed returns the flags that have another value in next.
func (s *Settings) Changed(next *Settings) (names []string) {
	for _, g := range s.groups {
		for _, name := range g.flags {
			if s.all[name].value != next.all[name].value {
				names = append(names, name)
			}
		}
	}
	return names
}

// turned tells whether a flag would turn on or off what can only be changed while a process runs.
func turned(name, was, will string) bool {
	return slices.Contains(switches, name) && (was == "") != (will == "")
}
