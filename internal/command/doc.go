// Package command is what programs that measure and test have in common: what ends them, what their
// status says, how a command line is refused, and where their logs are kept. A main has no more to do
// than this:
//
//	func main() { os.Exit(command.Main(run)) }
//
//	func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
//		o, err := parse(args, stderr)
//		if err == nil {
//			err = measure(ctx, &o, stdout)
//		}
//		return command.Status("load", err, stderr)
//	}
package command
