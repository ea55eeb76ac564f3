package coverage

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// declaration is one function, method, variable, constant or type of a test file.
type declaration struct {
	folder      *folder
	name        string          // with its receiver's type before it
	key         string          // without
	uses        map[string]bool // all names in it
	test        bool            // go test runs it
	first, last int             // its lines, with the comment above
}

func declarationsOf(set *token.FileSet, file *ast.File, f *folder) (all []*declaration) {
	add := func(name, key string, doc *ast.CommentGroup, node ast.Node, test bool) {
		first := node.Pos()
		if doc != nil {
			first = doc.Pos()
		}
		all = append(all, &declaration{
			folder: f, name: name, key: key, uses: namesIn(node), test: test,
			first: set.Position(first).Line, last: set.Position(node.End()).Line,
		})
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = receiver(d.Recv.List[0].Type) + "." + name
			}
			add(name, d.Name.Name, d.Doc, d, d.Recv == nil && runs(name))
			if d.Recv != nil { // who calls a method need not come to its type
				last := all[len(all)-1]
				last.uses = namesIn(d.Type)
				if d.Body != nil {
					maps.Copy(last.uses, namesIn(d.Body))
				}
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				doc := d.Doc
				switch spec := spec.(type) {
				case *ast.ValueSpec:
					if spec.Doc != nil || d.Lparen.IsValid() {
						doc = spec.Doc
					}
					for _, name := range spec.Names {
						add(name.Name, name.Name, doc, spec, false)
					}
				case *ast.TypeSpec:
					if spec.Doc != nil || d.Lparen.IsValid() {
						doc = spec.Doc
					}
					add(spec.Name.Name, spec.Name.Name, doc, spec, false)
				}
			}
		}
	}
	return all
}

// runs tells the functions that go test runs, which does not run benchmarks.
func runs(name string) bool {
	return name != "TestMain" && (strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Example"))
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func namesIn(node ast.Node) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			names[id.Name] = true
		}
		return true
	})
	return names
}

// qualified is the name as the table has it.
func (d *declaration) qualified() string {
	if d.folder.path == "." {
		return d.name
	}
	return d.folder.path + "." + d.name
}

// few is up to how many tests are named instead of what they use.
const few = 2

// proofs are the names under which a declaration stands in the table: none when no
// test comes to it. Names are compared without their scopes, so that a test may be
// thought to come to more than it does.
func (d *declaration) proofs() []string {
	if d.test {
		return []string{d.qualified()}
	}
	found, tests := map[string]bool{d.key: true}, map[string]bool{}
	for grown := true; grown; {
		grown = false
		for _, other := range d.folder.declarations {
			if found[other.key] || !other.usesAny(found) {
				continue
			}
			grown = true
			found[other.key] = true
			if other.test {
				tests[other.qualified()] = true
			}
		}
	}
	if len(tests) > few {
		return []string{d.qualified()}
	}
	return slices.Sorted(maps.Keys(tests))
}

func (d *declaration) usesAny(keys map[string]bool) bool {
	for key := range keys {
		if d.uses[key] {
			return true
		}
	}
	return false
}
