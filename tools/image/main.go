// Command image reads a folder's Dockerfile and .dockerignore as a builder does, with its parser, and prints as JSON what it would do:
// the stages with their instructions, and the files that go to the builder.
//
//	image FOLDER
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// plan is what is printed.
type plan struct {
	Stages []stage  `json:"stages"`
	Files  []string `json:"files"` // of the folder, by their paths in it
}

type stage struct {
	Name         string        `json:"name"`
	Base         string        `json:"base"`
	Instructions []instruction `json:"instructions"`
}

// instruction is one, such as RUN, as it is written, and its parsed form.
type instruction struct {
	Name string   `json:"name"`
	Text string   `json:"text"`
	Args []string `json:"args"` // a RUN's command, without its mounts
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: image FOLDER")
		os.Exit(2)
	}
	p, err := read(os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func read(folder string) (p plan, err error) {
	if p.Stages, err = stages(filepath.Join(folder, "Dockerfile")); err != nil {
		return p, err
	}
	p.Files, err = files(folder)
	return p, err
}

// stages parses a Dockerfile. What its linter finds is an error.
func stages(path string) (all []stage, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		return nil, err
	}
	var found []error
	for _, w := range parsed.Warnings {
		found = append(found, errors.New(w.Short))
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, at []parser.Range) {
		found = append(found, fmt.Errorf("%v: %s: %s", at, rule, message))
	}})
	read, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		return nil, err
	}
	for _, s := range read {
		one := stage{Name: s.Name, Base: s.BaseName}
		for _, c := range s.Commands {
			i := instruction{Name: c.Name(), Text: fmt.Sprint(c)}
			switch c := c.(type) {
			case *instructions.RunCommand:
				i.Args = c.CmdLine
			case *instructions.CopyCommand:
				i.Args = append(append([]string{c.From}, c.SourcePaths...), c.DestPath)
			case *instructions.UserCommand:
				i.Args = []string{c.User}
			case *instructions.ExposeCommand:
				i.Args = c.Ports
			case *instructions.EntrypointCommand:
				i.Args = c.CmdLine
			case *instructions.WorkdirCommand:
				i.Args = []string{c.Path}
			}
			one.Instructions = append(one.Instructions, i)
		}
		all = append(all, one)
	}
	return all, errors.Join(found...)
}

// files are those of a folder that .dockerignore leaves.
func files(folder string) (all []string, err error) {
	file, err := os.Open(filepath.Join(folder, ".dockerignore"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		skip, err := ignored.MatchesOrParentMatches(name)
		switch {
		case err != nil:
			return err
		case skip && entry.IsDir():
			return fs.SkipDir
		case !skip && entry.Type().IsRegular():
			all = append(all, name)
		}
		return nil
	})
	return all, err
}
