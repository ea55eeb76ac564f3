// Command dashboards writes Grafana's dashboards into a folder.
package main

import (
	"fmt"
	"os"

	"limegrove/internal/dashboards"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dashboards FOLDER")
		os.Exit(2) //nolint:forbidigo // a main outside of cmd
	}
	if err := dashboards.Write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1) //nolint:forbidigo // likewise
	}
}
