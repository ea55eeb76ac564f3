package presence

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUsersMayRunAllCommands that scripts and calls of this package consist of: a rare one that is missing in the
// example would show late.
func TestUsersMayRunAllCommands(t *testing.T) {
	users, err := os.ReadFile("../examples/redis/users.acl")
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string]string{}
	for line := range strings.Lines(string(users)) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "user "), " ")
		lists[name] = strings.TrimSpace(rest) + " "
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`redis\.p?call\('(\w+)'|redis\.New\w*Cmd\([^"\n]*"(\w+)"`)
	found := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, m := range commands.FindAllStringSubmatch(string(text), -1) {
			found++
			for _, user := range []string{"edge", "router"} {
				if want := " +" + strings.ToLower(m[1]+m[2]) + " "; !strings.Contains(lists[user], want) {
					t.Errorf("%s: the user %s lacks%s", f, user, want)
				}
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d commands are found", found)
	}
}
