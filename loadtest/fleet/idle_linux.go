package fleet

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// giveWay has this process run only when no other process of the machine wants the processor: sched(7), SCHED_IDLE. A
// policy is a thread's, and those that are made later have that of their maker.
func giveWay() error {
	for changed := true; changed; { // one that had it not may have made another meanwhile
		changed = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, task := range tasks {
			id, err := strconv.Atoi(task.Name())
			if err != nil {
				return err
			}
			is, err := unix.SchedGetAttr(id, 0)
			if errors.Is(err, unix.ESRCH) || err == nil && is.Policy == unix.SCHED_IDLE {
				continue
			}
			if err == nil {
				err = unix.SchedSetAttr(id, &unix.SchedAttr{Policy: unix.SCHED_IDLE}, 0)
			}
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("have a thread give way: %w", err)
			}
			changed = true
		}
	}
	return nil
}
