package command

import (
	"context"
	"errors"
	"io"
	"os"
)

// InFolder has something done in a new folder, which is kept when that is asked for, or when it fails:
// then the logs say why. Who has ended it knows.
func InFolder(name string, keep bool, stderr io.Writer, do func(dir string) error) error {
	dir, err := os.MkdirTemp("", "limegrove-"+name+"-")
	if err != nil {
		return err
	}
	err = do(dir)
	if keep || err != nil && !errors.Is(err, context.Canceled) {
		Say(stderr, name, "logs and stores are in %s", dir)
		return err
	}
	return errors.Join(err, os.RemoveAll(dir))
}
