package fleet

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// giveWay has this process run only when no other process of the machine wants the processor: sched(7), SCHED_IDLE.
func giveWay() error {
	err := eachThread(func(id int) (done bool, err error) {
		is, err := unix.SchedGetAttr(id, 0)
		if err != nil || is.Policy == unix.SCHED_IDLE {
			return true, err
		}
		return false, unix.SchedSetAttr(id, &unix.SchedAttr{Policy: unix.SCHED_IDLE}, 0)
	})
	if err != nil {
		return fmt.Errorf("give way: %w", err)
	}
	return nil
}

// Apart has this process, and those that it starts from now on, run on all of its processors but one, which
// is returned, for a process that is to have it for itself. There have to be two.
func Apart() (other int, err error) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return 0, fmt.Errorf("ask for the processors: %w", err)
	}
	if all.Count() < 2 {
		return 0, errors.New("there is one processor only")
	}
	for other = range maxProcessors {
		if all.IsSet(other) {
			all.Clear(other)
			break
		}
	}
	return other, runOn(all)
}

// On has this process, and those that it starts meanwhile, run on one processor until do returns.
func On(processor int, do func() error) error {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("ask for the processors: %w", err)
	}
	if err := runOnOne(processor); err != nil {
		return err
	}
	return errors.Join(do(), runOn(before))
}

// maxProcessors is how many a CPUSet has.
const maxProcessors = 1024

// runOnOne has this process run on one processor alone.
func runOnOne(processor int) error {
	var one unix.CPUSet
	one.Set(processor)
	return runOn(one)
}

func runOn(all unix.CPUSet) error {
	err := eachThread(func(id int) (done bool, err error) {
		var is unix.CPUSet
		if err := unix.SchedGetaffinity(id, &is); err != nil || is == all {
			return true, err
		}
		return false, unix.SchedSetaffinity(id, &all)
	})
	if err != nil {
		return fmt.Errorf("choose processors: %w", err)
	}
	return nil
}

// eachThread has all threads of this process changed by a function that tells whether there was nothing to do. What is changed is a
// thread's, and those that are made later have it of their maker.
func eachThread(change func(id int) (done bool, err error)) error {
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
			done, err := change(id)
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			changed = changed || !done
		}
	}
	return nil
}
