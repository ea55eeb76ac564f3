// Command kiosk is a program of the field: it publishes numbers with a spool, whether there is a
// network or not, until it is killed.
//
//	kiosk URL NODE TO DIR FIRST
//
// It begins with FIRST, and prints each that is kept; with a negative one it only sends what is.
// With the word listen in place of FIRST it takes its time to handle what comes, and prints that.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/spool"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kiosk:", err)
		os.Exit(1) //nolint:forbidigo // a main outside of cmd, for tests alone
	}
}

func run(args []string) error {
	if len(args) != 5 {
		return errors.New("usage: kiosk URL NODE TO DIR FIRST")
	}
	if args[4] == "listen" {
		return listen(args[0], args[1], args[3])
	}
	first, err := strconv.Atoi(args[4])
	if err != nil {
		return err
	}
	to, err := lime.ParseNode(args[2])
	if err != nil {
		return err
	}
	node, err := lime.ParseNode(args[1])
	if err != nil {
		return err
	}
	s, err := spool.Open(args[3], spool.Config{})
	if err != nil {
		return err
	}
	c, err := client.Start(args[0], client.Config{Node: node, Store: s})
	if err != nil {
		return errors.Join(err, s.Close())
	}
	defer c.Close()
	if first < 0 {
		<-c.Done()
		return c.Err()
	}
	for i := first; ; i++ {
		number := strconv.Itoa(i)
		_, err := c.PublishAsync(context.Background(), &lime.Message{
			ID: number, To: to, Type: lime.MediaText, Content: []byte(`"` + number + `"`),
		})
		if err != nil && !errors.Is(err, client.ErrID) { // which was kept when the last process was killed
			return err
		}
		if _, err := fmt.Fprintln(os.Stdout, number); err != nil {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func listen(url, who, dir string) error {
	node, err := lime.ParseNode(who)
	if err != nil {
		return err
	}
	s, err := spool.Open(dir, spool.Config{})
	if err != nil {
		return err
	}
	mux := new(client.Mux)
	mux.HandleMessage(lime.MediaText, func(_ context.Context, _ *client.Client, m *lime.Message) error {
		time.Sleep(5 * time.Millisecond)
		_, err := fmt.Fprintln(os.Stdout, m.ID)
		return err
	})
	c, err := client.Start(url, client.Config{
		Node: node, Presence: &lime.Presence{Status: lime.StatusAvailable}, Handler: mux, Arrivals: s,
	})
	if err != nil {
		return errors.Join(err, s.Close())
	}
	<-c.Done()
	return errors.Join(c.Err(), s.Close())
}
