package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffyaml"
)

// binder binds fields to flags and fills them from all sources.
type binder struct {
	fs     *flag.FlagSet
	about  string
	groups []group
	file   string // -config
	check  bool   // -check

	sources map[string]Source // of the flags that were given
}

type group struct {
	title string
	flags []string
}

func newBinder(command, about string) *binder {
	fs := flag.NewFlagSet(command, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the caller prints the error
	fs.Usage = func() {}
	return &binder{fs: fs, about: about, sources: map[string]Source{}}
}

func (b *binder) group(title string) { b.groups = append(b.groups, group{title: title}) }

func (b *binder) add(name string) {
	g := &b.groups[len(b.groups)-1]
	g.flags = append(g.flags, name)
}

func (b *binder) str(p *string, name, value, usage string) {
	b.fs.StringVar(p, name, value, usage)
	b.add(name)
}

func (b *binder) num(p *int, name string, value int, usage string) {
	b.fs.IntVar(p, name, value, usage)
	b.add(name)
}

func (b *binder) dur(p *time.Duration, name string, value time.Duration, usage string) {
	b.fs.DurationVar(p, name, value, usage)
	b.add(name)
}

func (b *binder) value(v flag.Value, name, usage string) {
	b.fs.Var(v, name, usage)
	b.add(name)
}

func (b *binder) yes(p *bool, name string, value bool, usage string) {
	b.fs.BoolVar(p, name, value, usage)
	b.add(name)
}

func bindList[T ~string](b *binder, p *[]T, name, value, usage string) {
	l := &list[T]{p: p}
	_ = l.Set(value) // a list takes any string
	l.given = false
	b.value(l, name, usage)
}

// parse fills the bound fields. ff reads the file; the environment is read here,
// because ff knows only that of the process.
func (b *binder) parse(args []string, getenv func(string) string, out io.Writer) error {
	err := b.fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		b.usage(out)
		return err
	}
	if err != nil {
		return err
	}
	if rest := b.fs.Args(); len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q: everything is a flag", rest[0])
	}
	b.note(SourceFlag)
	if err := b.parseEnv(getenv); err != nil {
		return err
	}
	b.note(SourceEnvironment)
	// What is set by now counts as given, so that the file does not change it.
	err = ff.Parse(b.fs, nil, ff.WithConfigFile(b.file), ff.WithConfigFileParser(b.parseFile))
	if err != nil {
		return fmt.Errorf("-config: %w", err)
	}
	b.note(SourceFile)
	return nil
}

// note notes where those flags come from that were given since it was called last.
func (b *binder) note(from Source) {
	b.fs.Visit(func(f *flag.Flag) {
		if _, known := b.sources[f.Name]; !known {
			b.sources[f.Name] = from
		}
	})
}

func (b *binder) parseEnv(getenv func(string) string) error {
	given := map[string]bool{}
	b.fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var err error
	b.fs.VisitAll(func(f *flag.Flag) {
		value := getenv(envName(f.Name))
		if err != nil || given[f.Name] || value == "" {
			return
		}
		if cause := b.fs.Set(f.Name, value); cause != nil {
			err = fmt.Errorf("invalid value %q for flag -%s, from %s: %w", value, f.Name, envName(f.Name), cause)
		}
	})
	return err
}

// parseFile is ffyaml's parser with keys limited to the flags and errors that
// name the flag in one line.
func (b *binder) parseFile(r io.Reader, set func(name, value string) error) error {
	err := ffyaml.Parser(r, func(name, value string) error {
		if b.fs.Lookup(name) == nil || !isKey(name) {
			return fmt.Errorf("unknown key %q: there is no such flag", name)
		}
		if err := set(name, value); err != nil {
			return fmt.Errorf("invalid value %q for flag -%s: %w", value, name, rootCause(err))
		}
		return nil
	})
	if err != nil {
		var parse ffyaml.ParseError
		if errors.As(err, &parse) {
			err = parse.Inner
		}
		// A YAML error may have several lines.
		return fmt.Errorf("%s: %s", b.file, strings.Join(strings.Fields(err.Error()), " "))
	}
	return nil
}

func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// envName is the environment variable of a flag.
func envName(flagName string) string {
	return "LIMEGROVE_" + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// list is a flag with several values. The first Set replaces the default.
type list[T ~string] struct {
	p     *[]T
	given bool
}

// String is the values as Set takes them.
func (l *list[T]) String() string {
	if l.p == nil { // the flag package asks a zero list
		return ""
	}
	var s []string
	for _, v := range *l.p {
		s = append(s, string(v))
	}
	return strings.Join(s, ",")
}

// Set adds values separated by commas.
func (l *list[T]) Set(s string) error {
	if !l.given {
		*l.p, l.given = nil, true
	}
	for v := range strings.SplitSeq(s, ",") {
		if v = strings.TrimSpace(v); v != "" {
			*l.p = append(*l.p, T(v))
		}
	}
	return nil
}

func (l *list[T]) isList() {}

// optionalBool is a flag whose default depends on others.
type optionalBool struct{ given, value bool }

// String is empty until the flag is given.
func (o *optionalBool) String() string {
	if !o.given {
		return ""
	}
	return strconv.FormatBool(o.value)
}

// Set takes what strconv.ParseBool takes.
func (o *optionalBool) Set(s string) error {
	v, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("must be true or false")
	}
	o.given, o.value = true, v
	return nil
}

// IsBoolFlag lets the flag stand without a value.
func (o *optionalBool) IsBoolFlag() bool { return true }

func (o *optionalBool) or(def bool) bool {
	if o.given {
		return o.value
	}
	return def
}
