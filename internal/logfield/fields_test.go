package logfield

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// root is the module's folder.
const root = "../.."

// elsewhere are folders whose programs are no edge or router.
var elsewhere = []string{"e2e", "loadtest", "examples", "tools", "lime", "internal/bench", "internal/coverage", "docs", "k8s", ".git", "bin"}

// passOn are files that pass on what a library logs, and say what it says.
var passOn = []string{"internal/embedded/natslog.go", "presence/librarylog.go", "cluster/log.go", "internal/complaint/log.go", "api/server.go", "internal/admin/server.go"}

func TestFieldsAreInOrderAndOnThePage(t *testing.T) {
	if !slices.IsSortedFunc(Fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("they are not in order")
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), Table()) {
		t.Errorf("docs/operations.md has another table of fields than:\n%s", Table())
	}
}

// What looks like a call of a logger is one: other packages have no methods of these names.
func TestLinesHaveKnownFieldsAndOneStyle(t *testing.T) {
	used := map[string]bool{"error": true}
	lines := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(elsewhere, filepath.ToSlash(name)):
			return filepath.SkipDir
		case entry.IsDir(), !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"):
			return nil
		}
		lines += checkFile(t, path, filepath.ToSlash(name), used)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lines < 50 {
		t.Errorf("%d lines are found, which cannot be all", lines)
	}
	for _, f := range Fields {
		if !used[f.Name] {
			t.Errorf("no line has the field %s", f.Name)
		}
	}
}

// checkFile checks the calls of loggers in a file, notes the fields that they use, and returns how many there are.
func checkFile(t *testing.T, path, name string, used map[string]bool) (lines int) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	field := func(e ast.Expr) {
		if text, ok := literal(e); ok {
			used[text] = true
			if !slices.ContainsFunc(Fields, func(f Field) bool { return f.Name == text }) {
				t.Errorf("%s: the field %q is not in the list", set.Position(e.Pos()), text)
			}
		} else if s, is := e.(*ast.SelectorExpr); !is || s.Sel.Name != "ErrorKey" {
			t.Errorf("%s: a field whose name is no text", set.Position(e.Pos()))
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if s, is := n.Type.(*ast.SelectorExpr); is && s.Sel.Name == "Fields" {
				for _, e := range n.Elts {
					field(e.(*ast.KeyValueExpr).Key)
				}
			}
		case *ast.CallExpr:
			s, is := n.Fun.(*ast.SelectorExpr)
			if !is {
				return true
			}
			if s.Sel.Name == "WithField" {
				field(n.Args[0])
			}
			message := -1
			switch s.Sel.Name {
			case "Debugf", "Infof", "Warnf", "Errorf", "Tracef", "Printf":
				if x, is := s.X.(*ast.Ident); (!is || x.Name != "fmt" && x.Name != "t") && !slices.Contains(passOn, name) && strings.Contains(strings.ToLower(text(s.X)), "log") {
					t.Errorf("%s: a line with a format; give it fields", set.Position(n.Pos()))
				}
			case "Debug", "Info", "Warn", "Trace":
				message = 0
			case "Error":
				if x, is := s.X.(*ast.Ident); len(n.Args) > 0 && (!is || x.Name != "http") {
					message = 0
				}
			case "Tell":
				if len(n.Args) == 4 {
					message = 1
				}
			}
			if message < 0 || len(n.Args) <= message {
				return true
			}
			lines++
			says, ok := literal(n.Args[message])
			switch {
			case !ok && isMade(n.Args[message]) && !slices.Contains(passOn, name):
				t.Errorf("%s: a line whose text is made; give it fields", set.Position(n.Pos()))
			case ok && (strings.HasSuffix(says, ".") || strings.Contains(says, "\n") || len(says) > 200 || !begins(says)):
				t.Errorf("%s: %q is not as lines are: no capital at the begin but of a name, no full stop, one line", set.Position(n.Pos()), says)
			}
		}
		return true
	})
	return lines
}

// literal is a text that stands there.
func literal(e ast.Expr) (string, bool) {
	l, is := e.(*ast.BasicLit)
	if !is || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// isMade tells whether a text is what a function returns, such as fmt.Sprintf.
func isMade(e ast.Expr) bool {
	_, is := e.(*ast.CallExpr)
	return is
}

// text is what is called, roughly as it is written.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return text(e.X) + "." + e.Sel.Name
	case *ast.CallExpr:
		return text(e.Fun)
	}
	return ""
}

// begins tells whether a line begins with a small letter, or a name.
func begins(says string) bool {
	for _, name := range []string{"NATS", "Redis", "JetStream", "TLS"} {
		if strings.HasPrefix(says, name) {
			return true
		}
	}
	for _, r := range says {
		return unicode.IsLower(r)
	}
	return false
}
