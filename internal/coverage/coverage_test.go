package coverage

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// numbered writes L- where a text has №, B- for β and H- for η, so that nothing here is a
// citation.
func numbered(text string) string {
	return strings.NewReplacer("№", "L-", "β", "B-", "η", "H-").Replace(text)
}

// The table of a tree, and its test, which agree.
const (
	table = `# Protocol

| number | statement | served | tests |
|---|---|---|---|
| №ADR-01 | three parts | yes | ` + "`lime.TestNodes`" + ` |
| №ADR-02 | no more | partly: not at login | ` + "`lime.TestNodes`" + ` |
| №SES-01 | an id | no: not yet | |
`
	nodes = "package lime\n\nfunc TestNodes(t *testing.T) { // №ADR-01\n\tcheck(\"№ADR-02\")\n}\n"
)

// read compares a table with the test files of package lime, and other files.
func read(t *testing.T, table string, files map[string]string) *Coverage {
	t.Helper()
	tree := fstest.MapFS{Page: {Data: []byte(numbered(table))}, "go.mod": {Data: []byte("module x")}}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(numbered(text))}
	}
	c, err := Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTableThatAgreesIsLeftAlone(t *testing.T) {
	c := read(t, table, map[string]string{"lime/node_test.go": nodes, "lime/node.go": "package lime // №ADR-01\n"})
	if err := c.Err(); err != nil {
		t.Error(err)
	}
	if c.Text() != numbered(table) {
		t.Errorf("it became:\n%s", c.Text())
	}
	if yes, partly, no, untested := c.Rows.Count("yes"), c.Rows.Count("partly"), c.Rows.Count("no"), c.Rows.Untested(); yes != 1 || partly != 1 || no != 1 || len(untested) != 1 {
		t.Errorf("%d are served, %d partly, %d not, and %q without a test", yes, partly, no, untested)
	}
}

// Each case plants one difference.
func TestDifferenceIsReported(t *testing.T) {
	for _, tc := range []struct{ name, old, now, file, text, want string }{
		{
			"a test that is gone", "`lime.TestNodes` |\n| №ADR-02", "`lime.TestNodes`, `lime.TestGone` |\n| №ADR-02", "", "",
			"№ADR-01: the table names lime.TestGone, which is not there",
		},
		{
			"a test that is new", "", "", "edge/x_test.go", "package edge\n\n// №SES-01\nfunc FuzzX(f *testing.F) {}\n",
			"№SES-01: edge.FuzzX cites it, and the table does not say so",
		},
		{"served without a test", "no: not yet", "yes", "", "", "№SES-01: it is served (yes), and no test cites it"},
		{"half served without a test", "no: not yet", "partly: less", "", "", "№SES-01: it is served (partly), and no test cites it"},
		{
			"a number that is unknown", "", "", "edge/x_test.go", "package edge\n\nfunc TestX(t *testing.T) {} // №ADR-03\n",
			"edge/x_test.go:3: №ADR-03 is cited, which has no row",
		},
		{
			"an unknown number in the code", "", "", "edge/x.go", "package edge\n\n// №XYZ-01\n",
			"edge/x.go:3: №XYZ-01 is cited, which has no row",
		},
		{"an unknown number in the page", "# Protocol", "# Protocol №SES-09", "", "", Page + ":1: №SES-09 is cited, which has no row"},
		{"in another page", "", "", "docs/other.md", "\n№SES-09", "docs/other.md:2: №SES-09 is cited, which has no row"},
		{
			"an unknown number of another protocol", "", "", "edge/x_test.go", "package edge\n\nfunc TestX(t *testing.T) {} // β01\n",
			"edge/x_test.go:3: β01 is cited, which has no row",
		},
		{
			"a citation that no test comes to", "", "", "edge/x_test.go", "package edge\n\nfunc helper() {} // №SES-01\n\nfunc TestX(t *testing.T) {}\n",
			"edge.helper cites №SES-01, and no test comes to it",
		},
		{
			"a citation for a benchmark", "", "", "edge/x_test.go", "package edge\n\nfunc BenchmarkX(b *testing.B) {} // №SES-01\n",
			"edge.BenchmarkX cites №SES-01, and no test comes to it",
		},
		{
			"a citation between declarations", "", "", "edge/x_test.go", "package edge\n\n// №SES-01\n\nfunc TestX(t *testing.T) {}\n",
			"edge/x_test.go:3: №SES-01 is cited outside of what a test could use",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files := map[string]string{"lime/node_test.go": nodes}
			if tc.file != "" {
				files[tc.file] = tc.text
			}
			got := read(t, strings.Replace(table, tc.old, tc.now, 1), files).Problems
			if len(got) != 1 || !strings.Contains(got[0], numbered(tc.want)) {
				t.Errorf("%q, want %q alone", got, numbered(tc.want))
			}
		})
	}
}

func TestMendingWritesTheTestsColumn(t *testing.T) {
	files := map[string]string{
		"lime/node_test.go": nodes,
		"edge/x_test.go":    "package edge\n\nfunc TestB(t *testing.T) {} // №ADR-01\n\nfunc TestA(t *testing.T) {} // №SES-01, №ADR-01\n",
	}
	c := read(t, strings.Replace(table, "`lime.TestNodes` |", "`lime.TestGone` |", 1), files)
	if err := c.Err(); err == nil || !strings.HasSuffix(err.Error(), "\n"+Mend+" writes the tests' column of "+Page) {
		t.Errorf("the error does not say how to mend it: %v", err)
	}
	want := strings.Replace(table, "`lime.TestNodes` |", "`edge.TestA`, `edge.TestB`, `lime.TestNodes` |", 1)
	want = strings.Replace(want, "not yet | |", "not yet | `edge.TestA` |", 1)
	if c.Text() != numbered(want) {
		t.Errorf("it became:\n%s", c.Text())
	}
	if err := read(t, c.Text(), files).Err(); err != nil {
		t.Errorf("what was mended: %v", err)
	}
}

func TestTableThatCannotBeRead(t *testing.T) {
	for _, tc := range []struct{ name, old, now, want string }{
		{"no rows", "| №", "| ", "no rows"},
		{"a row that is missing", "| №ADR-01 |", "| №ADR-02 |", "№ADR-02 stands where №ADR-01 belongs"},
		{"a row that is there twice", "| №ADR-02 |", "| №ADR-01 |", "№ADR-01 stands where №ADR-02 belongs"},
		{"a row that comes again", "| №SES-01 |", "| №ADR-01 |", "№ADR-01 stands where №ADR-03 belongs"},
		{"a row of another protocol that is missing", "| №SES-01 |", "| β02 |", "β02 stands where β01 belongs"},
		{"a column too many", "three parts", "three | parts", "5 columns"},
		{"no statement", "three parts", "", "states nothing"},
		{"no reason", "no: not yet", "no", "served \"no\""},
		{"another verdict", "no: not yet", "later", "served \"later\""},
		{"a number with three digits", "№SES-01", "№SES-001", "is no number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Read(fstest.MapFS{Page: {Data: []byte(numbered(strings.ReplaceAll(table, tc.old, tc.now)))}})
			if err == nil || !strings.Contains(err.Error(), numbered(tc.want)) {
				t.Errorf("%v, want %q", err, numbered(tc.want))
			}
		})
	}
	if _, err := Read(fstest.MapFS{}); err == nil {
		t.Error("a tree without the page is read")
	}
	if _, err := Read(fstest.MapFS{Page: {Data: []byte(numbered(table))}, "x_test.go": {Data: []byte("pack")}}); err == nil {
		t.Error("a test that does not parse is read")
	}
}

// The way from what cites to the tests that come to it.
func TestWhatATestUsesStandsForIt(t *testing.T) {
	const uses = `package edge

import "testing"

// №ADR-01
func scenario(t *testing.T) {}

var scenarios = []func(*testing.T){scenario}

func TestAll(t *testing.T) { play(scenarios) }

type (
	// №ADR-02
	client struct{}
)

func (c *client) hears(s string) {} // №SES-01

func TestA(t *testing.T) { (&client{}).hears("") }
func TestB(t *testing.T) { (&client{}).hears("") }
func ExampleC()          { (&client{}).hears("") }
`
	c := read(t, table, map[string]string{"edge/x_test.go": uses, "edge/testdata/y_test.go": "№", "e2e/go.mod": "", "e2e/z_test.go": "№"})
	for i, want := range [][]string{{"edge.TestAll"}, {"edge.client"}, {"edge.client.hears"}} {
		if got := c.Rows[i]; !slices.Equal(got.Tests, want) {
			t.Errorf("%s is proved by %q, not %q", got.Number, got.Tests, want)
		}
	}
}

func TestNumbersInATextMayBeARange(t *testing.T) {
	got := strings.Join(numbersIn(numbered("// №MSG-09 to №MSG-11: as in №ADR-01; XL-ADR-02, №ADR-003, №adr-04, №SES-02 to №SES-01; β09 to β11, η45, η1, 8η01")), " ")
	if want := numbered("№MSG-09 №MSG-10 №MSG-11 №ADR-01 β09 β10 β11 η45"); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestRowsAreMeantToBeRead(t *testing.T) {
	const others = `
| β01 | ready | yes | ` + "`lime.TestNodes`" + ` |

| η01 | upgraded | no: not yet | |
| η02 | asked | no: not yet | |
`
	var b strings.Builder
	nodes := strings.ReplaceAll(nodes, "{ //", "{ // β01,")
	if err := read(t, table+others, map[string]string{"lime/node_test.go": nodes}).Print(&b); err != nil {
		t.Fatal(err)
	}
	const want = `№ADR-01  yes      1 test   three parts
№ADR-02  partly   1 test   no more
                      partly: not at login
№SES-01  no       0 tests  an id
                      no: not yet
β01  yes      1 test   ready
η01  no       0 tests  upgraded
                  no: not yet
η02  no       0 tests  asked
                  no: not yet
LIME has 3 statements: 1 served, 1 partly, 1 not; 1 without a test: №SES-01
bachata has 1 statement: 1 served, 0 partly, 0 not; 0 without a test
high-templar has 2 statements: 0 served, 0 partly, 2 not; 2 without a test: η01, η02
`
	if got := b.String(); got != numbered(want) {
		t.Errorf("it prints:\n%s", got)
	}
}
