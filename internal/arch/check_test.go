package arch

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"limegrove/internal/module"
)

const modulePath = "limegrove"

// check reads the imports of every Go file under root, whatever system the file
// is for, and returns one line for each that the table does not allow.
func check(root fs.FS) (violations []string, err error) {
	err = module.Files(root, func(name string, source []byte) error {
		found, err := checkFile(name, source)
		violations = append(violations, found...)
		return err
	})
	return violations, err
}

func checkFile(name string, source []byte) (violations []string, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
	if err != nil {
		return nil, fmt.Errorf("parse imports: %w", err)
	}
	dir := path.Dir(name)
	row, ok := rowOf(dir)
	if !ok {
		return []string{name + ": its folder has no row in the table"}, nil
	}
	testing := isKit(dir) || strings.HasSuffix(name, "_test.go")
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		if why := refuse(row, imported, testing); why != "" {
			violations = append(violations, fmt.Sprintf("%s imports %s: %s", name, imported, why))
		}
	}
	return violations, nil
}

// refuse says why code of row may not import a package; "" means that it may.
// Tests and test kits may besides use any library, and what stands under
// internal.
func refuse(row folder, imported string, testing bool) string {
	if ours, ok := strings.CutPrefix(imported, modulePath+"/"); ok {
		return refuseOurs(row, ours, testing)
	}
	first, _, _ := strings.Cut(imported, "/")
	if standard := !strings.Contains(first, "."); standard || testing {
		return ""
	}
	if row.std {
		return row.path + " uses the standard library alone"
	}
	for _, l := range libraries {
		if !within(imported, l.path) {
			continue
		}
		if slices.Contains(l.rows, everything) || slices.Contains(l.rows, row.path) {
			return ""
		}
		return "it belongs to " + list(l.rows)
	}
	return "the library has no row in the table"
}

func refuseOurs(row folder, imported string, testing bool) string {
	target, ok := rowOf(imported)
	switch {
	case !ok:
		return "the package has no row in the table"
	case isKit(imported) && !testing:
		return "a test kit is for tests"
	case target.path == row.path, slices.Contains(row.ours, everything), slices.Contains(row.ours, target.path):
		return ""
	case testing && (isKit(imported) || target.path == "internal"):
		return ""
	}
	return row.path + " may import " + list(row.ours)
}

// rowOf is the row with the longest path that dir stands in or under.
func rowOf(dir string) (row folder, ok bool) {
	for _, f := range folders {
		if within(dir, f.path) && len(f.path) > len(row.path) {
			row, ok = f, true
		}
	}
	return row, ok
}

// isKit tells packages that exist for tests: presencetest, natstest.
func isKit(dir string) bool {
	return strings.HasSuffix(path.Base(dir), "test")
}

func within(name, parent string) bool {
	return name == parent || strings.HasPrefix(name, parent+"/")
}

func list(names []string) string {
	if len(names) == 0 {
		return "none of ours"
	}
	return strings.Join(names, ", ")
}
