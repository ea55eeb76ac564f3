package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// inTurns runs each benchmark of the suite once for each side, and that Rounds times: the
// two runs that are compared are a moment apart, so that what else the machine does
// meets both. Which side is first changes with each round. The results are in the
// files old.txt and new.txt.
func inTurns(ctx context.Context, cfg *Config, old, now *tree) error {
	if err := os.MkdirAll(filepath.Join(cfg.Root, cfg.Folder), 0o700); err != nil {
		return err
	}
	oldResults, err := os.Create(filepath.Join(cfg.Root, cfg.Folder, "old.txt"))
	if err != nil {
		return err
	}
	defer oldResults.Close()
	newResults, err := os.Create(filepath.Join(cfg.Root, cfg.Folder, "new.txt"))
	if err != nil {
		return err
	}
	defer newResults.Close()
	sides := [2]struct {
		tree    *tree
		results *os.File
	}{{old, oldResults}, {now, newResults}}
	for round := range cfg.Rounds {
		_, _ = fmt.Fprintf(cfg.Log, "round %d of %d\n", round+1, cfg.Rounds)
		for _, p := range cfg.Suite {
			for _, name := range append(p.Exact[:len(p.Exact):len(p.Exact)], p.Timed...) {
				for i := range sides {
					side := sides[(i+round)%2]
					out, err := side.tree.run(ctx, p.Path, []string{name}, nil, "-test.benchtime="+cfg.BenchTime)
					if err != nil {
						return err
					}
					if _, err := side.results.Write(out); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}
