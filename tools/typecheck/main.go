// Command typecheck checks the types of packages and of all that they import, from their
// sources. It says of another system, as GOOS names it, what a build for it would say, for
// a tenth of the work: nothing is compiled.
package main

import (
	"fmt"
	"os"

	"golang.org/x/tools/go/packages"
)

func main() {
	found, err := packages.Load(&packages.Config{Mode: packages.LoadAllSyntax}, os.Args[1:]...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "typecheck:", err)
		os.Exit(1)
	}
	if packages.PrintErrors(found) > 0 {
		os.Exit(1)
	}
	fmt.Println(len(found), "packages are well typed")
}
