package coverage

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"

	"limegrove/internal/module"
)

// citation is one mention of a number.
type citation struct {
	number string
	where  string       // file:line
	test   bool         // in a test's file
	by     *declaration // there; nil between declarations
}

// sources is what is read of the tree.
type sources struct {
	citations []citation
	folders   map[string]*folder // by path
}

// folder is the tests of one folder.
type folder struct {
	path         string // "." for the tree's own
	declarations []*declaration
}

var cited = regexp.MustCompile(`\b` + group + `-([0-9]{2})\b(?: to (?:L-[A-Z]{3}|[ABH])-([0-9]{2})\b)?`)

// numbersIn returns the numbers that a text cites; "to" between two means those in
// between as well.
func numbersIn(text string) (numbers []string) {
	for _, m := range cited.FindAllStringSubmatch(text, -1) {
		first, _ := strconv.Atoi(m[2])
		last := first
		if m[3] != "" {
			last, _ = strconv.Atoi(m[3])
		}
		for n := first; n <= last; n++ {
			numbers = append(numbers, m[1]+"-"+strconv.Itoa(100 + n)[1:])
		}
	}
	return numbers
}

// readTree reads all Go files of the module under root, whatever system they are for.
func readTree(root fs.FS) (*sources, error) {
	s := &sources{folders: map[string]*folder{}}
	err := module.Files(root, func(name string, text []byte) error {
		if !strings.HasSuffix(name, "_test.go") {
			s.mention(name, string(text))
			return nil
		}
		return s.readTest(name, text)
	})
	return s, err
}

// mention adds what a text that is no test's cites.
func (s *sources) mention(name, text string) {
	for i, line := range strings.Split(text, "\n") {
		for _, n := range numbersIn(line) {
			s.citations = append(s.citations, citation{number: n, where: position(name, i+1)})
		}
	}
}

func position(name string, line int) string { return name + ":" + strconv.Itoa(line) }

func (s *sources) readTest(name string, text []byte) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	f := s.folders[dir]
	if f == nil {
		f = &folder{path: dir}
		s.folders[dir] = f
	}
	ours := declarationsOf(set, file, f)
	f.declarations = append(f.declarations, ours...)
	cite := func(text string, at token.Pos) {
		line := set.Position(at).Line
		var by *declaration
		for _, d := range ours {
			if d.first <= line && line <= d.last {
				by = d
			}
		}
		for _, n := range numbersIn(text) {
			s.citations = append(s.citations, citation{n, position(name, line), true, by})
		}
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			cite(comment.Text, comment.Pos())
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
			cite(text.Value, text.Pos())
		}
		return true
	})
	return nil
}
