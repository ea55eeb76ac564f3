package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// curlTells stands for curl in a script: it tells its arguments, each behind a NUL, one call a line of
// its own mark.
const curlTells = `curl() { printf 'curl'; for a in "$@"; do printf '\0%s' "$a"; done; printf '\0\0'; }
`

// TestExamplesOfTheAPIWork makes each request that docs/api.md shows, in the order of the page, of an edge
// that is a whole cluster in one process.
func TestExamplesOfTheAPIWork(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString(curlTells)
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		script.WriteString(block[1])
	}
	shell := exec.Command("sh", "-eu", "-c", script.String())
	shell.Env = append(os.Environ(), "LIMEGROVE_API_KEY="+bootstrapKey)
	told, err := shell.Output()
	if err != nil {
		t.Fatalf("the examples are no script: %v", err)
	}

	p := startProcess(t, "edge", t.TempDir(), edgeProgram, "-listen", address(0), "-admin", address(0), "-gossip", address(0),
		"-api", address(0), "-api-key", bootstrapKey)
	where := p.wantPrinted(t, `API +(http://\S+)/openapi\.json`)
	p.wantPrinted(t, "the HTTP API serves")
	b := &caller{t, p, where[1], bootstrapKey}
	requests := 0
	for call := range strings.SplitSeq(strings.TrimSuffix(string(told), "\x00\x00"), "\x00\x00") {
		arguments := strings.Split(call, "\x00")[1:]
		method, path, body := "", "", ""
		for i := 0; i < len(arguments); i++ {
			switch a := arguments[i]; a {
			case "-f":
			case "-H":
				if i++; arguments[i] != "Authorization: Bearer "+bootstrapKey && arguments[i] != "Content-Type: application/json" {
					t.Errorf("a header is %q", arguments[i])
				}
			case "-X":
				i++
				method = arguments[i]
			case "-d":
				i++
				body = arguments[i]
			default:
				var ok bool
				if path, ok = strings.CutPrefix(a, "http://localhost:8085"); !ok {
					t.Errorf("an argument is %q", a)
				}
			}
		}
		if method == "" { // as curl chooses
			method = "GET"
			if body != "" {
				method = "POST"
			}
		}
		if a, err := b.do(method, path, body); err != nil || a.status >= 300 {
			t.Errorf("%s %s %s: %d %s %v", method, path, body, a.status, a.text, err)
		}
		requests++
	}
	if requests < 8 {
		t.Errorf("the page has %d requests", requests)
	}
}
