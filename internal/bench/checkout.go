package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// ErrNoCommit is for a baseline whose commit is not in the repository.
var ErrNoCommit = errors.New("the baseline's commit is not here: fetch it, name another by -old, or renew the baseline")

// git runs git in root and returns what it printed, without the line's end.
func git(ctx context.Context, root string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // commands of ours
	cmd.Dir = root
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// checkOut makes a worktree of commit at dir. What it returns removes it again.
func checkOut(ctx context.Context, root, commit, dir string) (remove func() error, err error) {
	if _, err := git(ctx, root, "rev-parse", "--verify", "--quiet", "--end-of-options", commit+"^{commit}"); err != nil {
		return nil, fmt.Errorf("%s: %w", commit, ErrNoCommit)
	}
	if _, err := git(ctx, root, "worktree", "add", "--detach", "--quiet", dir, commit); err != nil {
		return nil, err
	}
	return func() error {
		// Also when ctx has ended.
		_, err := git(context.WithoutCancel(ctx), root, "worktree", "remove", "--force", dir)
		return err
	}, nil
}
