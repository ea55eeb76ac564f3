package rig

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// prefix begins the names of all namespaces and interfaces of ours. The process id of
// their driver follows.
const prefix = "lgf"

// namespaces is one bridge, and a network namespace for each process.
type namespaces struct {
	bridge string            // its name, and the first part of all others
	subnet byte              // 198.18.subnet.0/24, of the range for tests: RFC 2544, appendix C
	hosts  map[string]string // by process
	rules  map[string]string // in nft's words, by process
}

// newNamespaces makes the bridge. An error says why there can be no namespaces.
func newNamespaces(tag int) (*namespaces, error) {
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("make network namespaces: %w", err)
		}
	}
	removeStale()
	n := &namespaces{bridge: prefix + strconv.Itoa(tag), hosts: map[string]string{}, rules: map[string]string{}}
	var err error
	if n.subnet, err = freeSubnet(tag); err != nil {
		return nil, err
	}
	err = ip("", "link add name "+n.bridge+" type bridge",
		"addr add "+n.address(1)+"/24 dev "+n.bridge,
		"link set "+n.bridge+" up")
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	// Whether rules can be made shows now, and not in the middle of a run.
	if _, err := n.add("probe"); err != nil {
		return nil, errors.Join(err, n.close())
	}
	if err := n.set([]Cut{{From: "probe", To: "probe", Mode: Loss}}); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// space is the name of a process's namespace, and of its end of the pair. It is short,
// as names of interfaces are: edge-1 has the bridge's name and e1.
func (n *namespaces) space(process string) string {
	return n.bridge + process[:1] + process[len(process)-1:]
}

func (n *namespaces) address(host int) string {
	return net.IPv4(198, 18, n.subnet, byte(host)).String()
}

func (n *namespaces) add(process string) (string, error) {
	host := n.address(10 + len(n.hosts))
	space := n.space(process)
	n.hosts[process] = host
	err := ip("", "netns add "+space,
		"link add "+space+" type veth peer name eth0 netns "+space,
		"link set "+space+" master "+n.bridge+" up")
	if err == nil {
		err = ip(space, "addr add "+host+"/24 dev eth0", "link set lo up", "link set eth0 up")
	}
	return host, err
}

// impatient has a process give up a connection that is not answered for three seconds,
// where the system goes on for two minutes, asking ever more seldom.
func (n *namespaces) impatient(process string) error {
	cmd := exec.Command("ip", "netns", "exec", n.space(process), "tee", "/proc/sys/net/ipv4/tcp_syn_retries") //nolint:gosec,noctx // as below
	return run(cmd, "1\n")
}

func (n *namespaces) command(process, program string, args ...string) *exec.Cmd {
	// ip becomes the program, so that its process id is the program's.
	all := append([]string{"netns", "exec", n.space(process), program}, args...)
	return exec.Command("ip", all...) //nolint:gosec,noctx // our own programs, ended by signals
}

// close removes all that was made.
func (n *namespaces) close() error { return remove(n.bridge) }

// remove removes a bridge and its namespaces. A pair would go with its namespace, but at
// some later time, and until then its name is taken.
func remove(bridge string) error {
	spaces, err := ours()
	for _, space := range spaces {
		if owner(space) != bridge {
			continue
		}
		if _, missing := net.InterfaceByName(space); missing == nil {
			err = errors.Join(err, ip("", "link del "+space))
		}
		err = errors.Join(err, ip("", "netns del "+space))
	}
	if _, missing := net.InterfaceByName(bridge); missing == nil {
		err = errors.Join(err, ip("", "link del "+bridge))
	}
	return err
}

// removeStale removes what drivers have left that were killed.
func removeStale() {
	spaces, err := ours()
	if err != nil {
		return // the next step says why
	}
	for _, space := range spaces {
		bridge := owner(space)
		pid, err := strconv.Atoi(bridge[len(prefix):])
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = remove(bridge) // it is not in our way
		}
	}
}

// owner is the bridge of a namespace: our prefix and digits.
func owner(space string) string {
	rest := strings.TrimLeft(space[len(prefix):], "0123456789")
	return space[:len(space)-len(rest)]
}

// ours lists the namespaces of all drivers.
func ours() (spaces []string, err error) {
	list, err := exec.Command("ip", "netns", "list").Output() //nolint:noctx // it ends at once
	if err != nil {
		return nil, fmt.Errorf("list network namespaces: %w", err)
	}
	for line := range strings.Lines(string(list)) {
		if name := strings.Fields(line); len(name) > 0 && strings.HasPrefix(name[0], prefix) {
			spaces = append(spaces, name[0])
		}
	}
	return spaces, nil
}

// freeSubnet finds a subnet that no interface has.
func freeSubnet(tag int) (byte, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return 0, fmt.Errorf("find a free subnet: %w", err)
	}
	for i := range 254 {
		subnet := byte(1 + (tag+i)%254)
		taken := false
		for _, a := range addresses {
			known, ok := a.(*net.IPNet)
			taken = taken || ok && known.Contains(net.IPv4(198, 18, subnet, 1))
		}
		if !taken {
			return subnet, nil
		}
	}
	return 0, errors.New("find a free subnet: all are taken")
}

// ip has lines executed, in a namespace unless that is "".
func ip(space string, lines ...string) error {
	args := []string{"-batch", "-"}
	if space != "" {
		args = append([]string{"-n", space}, args...)
	}
	cmd := exec.Command("ip", args...) //nolint:noctx // it ends at once
	return run(cmd, strings.Join(lines, "\n")+"\n")
}

// run runs a tool that reads its work from a pipe.
func run(cmd *exec.Cmd, input string) error {
	cmd.Stdin = strings.NewReader(input)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(string(text)))
	}
	return nil
}
