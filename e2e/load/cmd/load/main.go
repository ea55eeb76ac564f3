// Command load measures a cluster under load; see package load. Run it somewhere in the
// module.
//
// Its status is 0 when all messages came as they should, at whatever speed, 1 when some
// did not or the run failed, and 2 for a bad command line. The folder with the stores and
// the logs of all processes is kept when the run failed, or with -keep. A signal ends the
// run, and all that it has started.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"limegrove/e2e/load"
	"limegrove/e2e/programs"
	"limegrove/internal/command"
)

func main() {
	os.Exit(command.Main(run)) //nolint:forbidigo // a main outside of cmd
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err == nil {
		err = command.InFolder("load", o.keep, stderr, func(dir string) error { return measure(ctx, o, dir, stdout) })
	}
	return command.Status("load", err, stderr)
}

// measure builds the programs into a folder, and has a cluster of them do what is asked for.
func measure(ctx context.Context, o options, dir string, out io.Writer) (err error) {
	cluster := o.cluster
	cluster.Dir, cluster.Recipients = dir, "known"
	if cluster.Programs, err = programs.Build(ctx, dir, false); err != nil {
		return errors.Join(err, ctx.Err()) // a compiler that was killed does not say by whom
	}
	switch o.scenario {
	case "loginstorm":
		s := load.LoginStorm{
			Cluster: cluster, Pairs: or(o.pairs, 200), Rate: o.rate, Logins: o.logins, Way: o.way, Accounts: o.accounts,
			Duration: o.duration / 2, Size: o.size, Print: out,
		}
		return s.Run(ctx)
	case "presence":
		p := load.Presence{
			Cluster: cluster, Identities: or(o.identities, 1000), Contacts: o.contacts, Window: o.window, Flapping: o.flap, Kill: o.kill, Print: out,
		}
		return p.Run(ctx)
	case "group":
		g := load.Groups{
			Cluster: cluster, Groups: o.groups, Members: o.members, Rate: o.rate, Duration: o.duration, Warmup: o.warmup, Size: o.size,
			Receipts: o.receipts, Profiles: o.profiles, Print: out,
		}
		return g.Run(ctx)
	case "backlog":
		cluster.Recipients = "anyone"
		b := load.Backlog{
			Cluster: cluster, Identities: or(o.identities, 2000), Each: o.each, Size: o.size, AtOnce: o.atOnce, Profiles: o.profiles, Print: out,
		}
		return b.Run(ctx)
	}
	return fmt.Errorf("%w: -scenario: %q is not measured", command.ErrUsage, o.scenario)
}

// or returns n, or another number when it is 0.
func or(n, other int) int {
	if n == 0 {
		return other
	}
	return n
}
