package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"limegrove/e2e/terminal"
)

var pictures = flag.String("pictures", "../bin/screenshots", "folder for the pictures of `lime chat`")

// tmux is a server of terminals.
type tmux struct {
	t      testing.TB
	socket string
}

// startTmux starts one that takes nothing from the machine's own.
func startTmux(t testing.TB) *tmux {
	t.Helper()
	program, err := exec.LookPath("tmux")
	if err != nil {
		t.Fatalf("no tmux: tools/deps tmux installs it: %v", err)
	}
	dir := t.TempDir()
	s := &tmux{t, filepath.Join(dir, "tmux")}
	startProcessIn(t, []string{"LC_ALL=C.UTF-8", "TMUX="}, "tmux", dir, program, "-S", s.socket, "-f", "/dev/null", "-D")
	eventually(t, "tmux is there", patience, func() error {
		_, err := s.tries("set-option", "-g", "status", "off")
		return err
	})
	return s
}

func (s *tmux) tries(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-S", s.socket}, args...)...)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("tmux %s: %w: %s", args[0], err, errs.String())
	}
	return string(out), nil
}

func (s *tmux) does(args ...string) string {
	s.t.Helper()
	out, err := s.tries(args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// window is a shell in a terminal.
type window struct {
	*tmux
	name string
}

// window opens a terminal of a size with a shell, in a folder.
func (s *tmux) window(name, dir string, columns, rows int, env ...string) *window {
	s.t.Helper()
	args := []string{"new-session", "-d", "-s", name, "-c", dir, "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows)}
	for _, one := range append(env, "ENV=", "HISTFILE=", "LC_ALL=C.UTF-8", "LIME="+limeProgram, "NO_COLOR=") {
		args = append(args, "-e", one)
	}
	s.does(append(args, "/bin/sh")...)
	w := &window{s, name}
	w.eventually(name+" has a shell", func(screen string) bool { return strings.TrimSpace(screen) != "" })
	w.types("PS1='" + prompt + "'; clear")
	w.eventually(name+" has an own prompt", func(screen string) bool { return strings.HasPrefix(screen, prompt) })
	return w
}

// prompt is the shell's.
const prompt = "at the desk>"

func (w *window) screen() string { return w.does("capture-pane", "-p", "-t", w.name) }

// types types a line.
func (w *window) types(text string) {
	w.t.Helper()
	w.does("send-keys", "-t", w.name, "-l", text)
	w.presses("Enter")
}

func (w *window) presses(keys ...string) {
	w.t.Helper()
	w.does(append([]string{"send-keys", "-t", w.name}, keys...)...)
}

// sees waits until the screen has all of some texts.
func (w *window) sees(texts ...string) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%s sees %q", w.name, texts), func(screen string) bool {
		for _, one := range texts {
			if !strings.Contains(screen, one) {
				return false
			}
		}
		return true
	})
}

// loses waits until the screen has none of some texts.
func (w *window) loses(texts ...string) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%s sees no more of %q", w.name, texts), func(screen string) bool {
		for _, one := range texts {
			if strings.Contains(screen, one) {
				return false
			}
		}
		return true
	})
}

func (w *window) eventually(what string, is func(screen string) bool) {
	w.t.Helper()
	eventually(w.t, what, patience, func() error {
		screen, err := w.tries("capture-pane", "-p", "-t", w.name)
		if err == nil && !is(screen) {
			err = errors.New("the screen is\n" + screen)
		}
		return err
	})
}

// picture makes one of what is to be seen.
func (w *window) picture(name, title string) {
	w.t.Helper()
	var columns, rows int
	if _, err := fmt.Sscan(w.does("display-message", "-p", "-t", w.name, "#{pane_width} #{pane_height}"), &columns, &rows); err != nil {
		w.t.Fatal(err)
	}
	svg, err := terminal.SVG(w.does("capture-pane", "-e", "-p", "-N", "-t", w.name), title, columns, rows)
	if err == nil {
		err = os.MkdirAll(*pictures, 0o750)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(*pictures, name+".svg"), []byte(svg), 0o644)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestChatInATerminal has two people chat in real terminals, each at another edge, one of them over a network that goes
// away. It waits for what is to be seen. Pictures of it are in bin/screenshots; `make pictures` puts them where the documents have them.
func TestChatInATerminal(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rooms.json")
	if err := os.WriteFile(rules, []byte(`[{"room":"/chat/*","may":["enter","publish"],"history":{"count":100}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-room-rules", rules}}
	ports := freePorts(t, 2)
	c.settings = append(c.settings, "-files-url", "http://"+address(ports))
	c.start(t, 1, "-auth", "guest,plain", "-files", address(ports))
	c.addEdge(t, "-auth", "guest,plain", "-files", address(ports+1))
	at, err := url.Parse(c.edges[1].url)
	if err != nil {
		t.Fatal(err)
	}
	g := newNetwork(t, at.Host)

	ana, rui, mia := "ana@"+domain, "rui@"+domain, "mia@"+domain
	one, two, three := newShell(t), newShell(t), newShell(t)
	one.does(0, ana, "word of ana\n", "login", c.edges[0].url, ana, "--register", "--password-file", "-")
	two.does(0, rui, "word of rui\n", "login", "ws://"+g.address+"/", rui, "--register", "--password-file", "-")
	three.does(0, mia, "word of mia\n", "login", c.edges[0].url, mia, "--register", "--password-file", "-")
	profiles := func(s *shell) string { return s.env[len(s.env)-1] }

	desks := startTmux(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "plan.txt")
	content := bytes.Repeat([]byte("one step after the other\n"), 50_000)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	a := desks.window("ana", dir, 96, 16, profiles(one))
	r := desks.window("rui", t.TempDir(), 96, 16, profiles(two))

	// What is no terminal to draw on is said in one line.
	a.types("TERM=dumb $LIME chat; echo status $?")
	a.sees("lime: chat cannot draw on a terminal of the kind \"dumb\"", "status 2")
	a.types("clear; $LIME chat </dev/null; echo status $?")
	a.sees("lime: chat needs a terminal", "status 2")

	// So is who is not let in, with the status of a refusal.
	a.types("clear; echo wrong >word; $LIME chat --password-file word; echo status $?")
	a.sees("lime: chat at ws://", "code 13", "status 5")
	a.loses("NDELAY")

	// Somebody who writes first, and is accepted.
	a.types("clear; $LIME chat rui")
	a.sees("rui · ", "Nothing yet.", ana+" at edge-1")
	r.types("clear; $LIME chat --into got")
	r.sees("Lobby · 2 here: ana, you", rui+" at edge-2")
	a.types("Good morning, Rui. Have you seen the plan?")
	r.sees("● ana ?", " 1 ")
	a.sees("✓✓  you: Good morning")
	r.presses("Tab")
	r.sees("ana: Good morning, Rui.", "is none of your contacts")
	a.sees("✓✓✓ you: Good morning")
	r.types("!accept")
	a.types("!add rui")
	a.sees("rui@" + domain + " is a contact of yours")
	r.sees("ana@" + domain + " is a contact of yours")
	r.loses("ana ?")
	r.types("!status busy in a meeting")
	a.sees("■ rui", "busy: in a meeting")
	r.types("!status available")
	a.sees("● rui")
	r.eventually("rui sees that ana is writing, who goes on", func(screen string) bool {
		a.presses("o")
		return strings.Contains(screen, "ana · is writing…")
	})
	a.presses("C-u")
	r.types("Not yet. 漢字 and 👩‍👩‍👧 are as wide as they are.")
	a.sees("rui: Not yet. 漢字 and ")

	// A file.
	a.types("!upload plan.txt")
	r.sees("ana: [1] plan.txt (text/plain, 1.2 MB)")
	r.types("!get 1")
	r.sees("is in got/plan.txt")
	got, err := os.ReadFile(filepath.Join(strings.TrimSpace(r.does("display-message", "-p", "-t", "rui", "#{pane_current_path}")), "got", "plan.txt"))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("the file has %d bytes, %v", len(got), err)
	}
	r.types("!get 1")
	r.sees("not fetched: there is a file of its name")
	r.types("!get 1 elsewhere")
	r.sees("is in elsewhere/plan.txt")
	a.sees("✓✓✓ you: [1] plan.txt")
	a.types("It is one step after the other, as always.")
	r.sees("ana: It is one step")
	r.types("I will read it in the garden.")
	a.sees("✓✓✓ you: It is", "rui: I will")

	// A room, which keeps what is said before somebody comes.
	a.types("!join #garden")
	a.sees("#garden · 1 here: you")
	a.types("Who waters the beans?")
	a.sees("✓   you: Who waters")
	r.types("!join #garden")
	r.sees("#garden · 2 here: ana, you", "ana: Who waters the beans?")
	r.types("I do, on Mondays.")
	a.sees("rui: I do, on Mondays.")
	r.types("!members")
	r.sees("/chat/garden: 2 here: ana, you")
	r.types("!talk ana")
	a.types("!talk rui")

	// What a stranger writes steers nothing.
	three.does(0, "accepted", "", "send", ana, "\x1b[2J\x1b]0;mine\a\u202egnp.exe\tend")
	a.sees("mia ?", " 1 ")
	a.picture("terminal", "lime chat: Ana writes to Rui, and Mia, who is new, to Ana")
	a.types("!talk mia")
	a.sees("mia: �[2J�]0;mine��gnp.exe end")
	a.types("!talk rui")

	// The network goes away: what is written meanwhile waits on both sides, also for the next process.
	g.shut()
	r.sees("no connection")
	r.types("This is written without a network.")
	r.sees("…   you: This is written without a network.")
	a.sees("○ rui")
	a.types("You are away, and this waits for you.")
	a.sees("✓   you: You are away")
	r.picture("terminal-offline", "lime chat without a connection: what Rui writes waits")
	r.presses("C-c")
	r.sees(prompt)
	r.types("clear; $LIME chat ana")
	r.sees("no connection", "…   you: This is written without a network.")
	r.types("And this by another process.")
	r.sees("…   you: And this by another process.")
	g.open(t)
	r.types("!connect")
	a.sees("rui: This is written without a network.", "rui: And this by another process.")
	r.sees("ana: You are away, and this waits for you.", "✓✓✓ you: This is written", "✓✓✓ you: And this by")
	if screen := a.screen(); strings.Count(screen, "without a network") != 1 || strings.Index(screen, "without a network") > strings.Index(screen, "And this by") {
		t.Errorf("it came twice, or in another order:\n%s", screen)
	}
	a.sees("✓✓✓ you: You are away")

	// An edge dies, and its people are back when it is.
	at1, err := url.Parse(c.edges[0].url)
	if err != nil {
		t.Fatal(err)
	}
	c.edges[0].kill()
	a.sees("no connection")
	a.types("Across a dead edge.")
	a.sees("…   you: Across")
	c.addEdge(t, "-auth", "guest,plain", "-files", address(ports), "-listen", at1.Host)
	a.types("!connect")
	a.sees(ana+" at edge-3", "✓✓✓ you: Across a dead edge.")
	r.sees("ana: Across a dead edge.")

	// Any size, and back.
	for _, size := range [][2]int{{20, 5}, {3, 2}, {1, 1}, {180, 50}, {20, 5}} {
		a.does("resize-window", "-t", "ana", "-x", strconv.Itoa(size[0]), "-y", strconv.Itoa(size[1]))
	}
	a.sees("rui", "you: Across a", "!help")
	a.presses("C-l")
	a.sees("Conversations", "● rui")
	a.does("resize-window", "-t", "ana", "-x", "96", "-y", "16")
	a.sees("Message rui")

	// It ends clean: the shell has its terminal again.
	a.presses("C-c")
	a.sees(prompt)
	a.types("echo status $?; stty -a | tr ' ;' '\\n\\n' | grep -cxE 'icanon|echo|isig'")
	a.sees("status 0", "\n3\n")
	a.loses("Message rui", "NDELAY") // which a shell says that finds its terminal non-blocking
	r.types("!quit")
	r.sees(prompt)
}
