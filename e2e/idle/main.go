// Command idle logs guests in at an edge and holds their sessions, available, saying nothing
// more: what many idle clients look like to an edge, at a small part of the cost of
// real ones. It prints "ready" when all are established, and waits for a signal.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "idle:", err)
		os.Exit(1) //nolint:forbidigo // a main outside of cmd, for tests alone
	}
}

func run() error {
	edge := flag.String("edge", "127.0.0.1:8080", "`address` of the edge")
	domain := flag.String("domain", "localhost", "the guests' `domain`")
	sessions := flag.Int("sessions", 1000, "`number` of sessions")
	secure := flag.Bool("tls", false, "speak TLS, whatever the edge's certificate is")
	sources := flag.Int("sources", 4, "`number` of addresses, from 127.0.0.1 on, to connect from")
	flag.Parse()

	// So many logins at once keep two cores busy.
	const atOnce = 64
	next := make(chan int)
	failed := make(chan error, atOnce)
	var opening sync.WaitGroup
	for range atOnce {
		opening.Go(func() {
			for i := range next {
				s, err := dial(*edge, i%*sources, *secure)
				if err == nil {
					err = s.login(*domain)
				}
				if err != nil {
					failed <- fmt.Errorf("session %d: %w", i, err)
					return
				}
				go s.idle() // ends with the process
			}
		})
	}
	for i := range *sessions {
		select {
		case next <- i:
		case err := <-failed:
			return err
		}
	}
	close(next)
	opening.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	enough, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if _, err := fmt.Fprintln(os.Stdout, "ready"); err != nil {
		return err
	}
	<-enough.Done()
	return nil
}
