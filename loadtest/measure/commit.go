package measure

import (
	"context"
	"os/exec"
	"strings"
)

// Commit is what the module is built from, with a word if its code was changed since; "" when that is
// unknown.
func Commit(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return ""
	}
	// Results and pages change by measuring.
	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--untracked-files=no", "--", ":/", ":(exclude,top)*.md", ":(exclude,top)loadtest/results").Output()
	if err != nil || len(changed) > 0 {
		return strings.TrimSpace(string(text)) + "-changed"
	}
	return strings.TrimSpace(string(text))
}
