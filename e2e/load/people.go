package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/account"
	"limegrove/document"
	"limegrove/lime"

	"limegrove/loadtest/cluster"
)

// peoplePassword is that of all people.
const peoplePassword = "load"

// quickHash is a hash of it that costs next to nothing to check: it is not logins that are
// measured with people.
const quickHash = "$argon2id$v=19$m=8,t=1,p=1$nSBssC3kfOcOlXvjBanPeg$mVkzibecC6trGzRWNSZVqw"

// quick hashes peoplePassword, whatever it is given.
type quick struct{}

// Hash is that of account.Hasher.
func (quick) Hash([]byte) (string, error) { return quickHash, nil }

// Matches is that of account.Hasher.
func (quick) Matches([]byte, string) (bool, error) { return true, nil }

// people makes accounts and their contacts, directly in JetStream: clients would take minutes
// to set as many.
func (c *servers) people(ctx context.Context, n, contacts int) error {
	nc, err := nats.Connect("nats://" + c.Brokers[0].At(cluster.PortNATS))
	if err != nil {
		return fmt.Errorf("make people: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("make people: %w", err)
	}
	accounts, err := account.Open(ctx, account.Config{JetStream: js, Hasher: quick{}})
	if err != nil {
		return fmt.Errorf("make people: %w", err)
	}
	known, err := document.Open(ctx, document.Config{JetStream: js, Name: "contacts"})
	if err != nil {
		return fmt.Errorf("make people: %w", err)
	}
	next := atomic.Int64{}
	var mu sync.Mutex
	var failed error
	var making sync.WaitGroup
	for range atOnce {
		making.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := makePerson(ctx, accounts, known, i, n, contacts); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	making.Wait()
	return failed
}

func makePerson(ctx context.Context, accounts *account.Store, known *document.Bucket, i, n, contacts int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	self := lime.Identity{Name: personName(i), Domain: domain}
	if err := accounts.Create(ctx, account.Account{Identity: self}, []byte(peoplePassword)); err != nil {
		return err
	}
	of, err := document.Of(self)
	if err != nil {
		return err
	}
	for other := range contactsOf(i, n, contacts) {
		contact := lime.Contact{Identity: lime.Identity{Name: personName(other), Domain: domain}}
		k, err := of.Identity(contact.Identity)
		if err != nil {
			return err
		}
		value, err := json.Marshal(contact)
		if err != nil {
			return err
		}
		if err := known.Put(ctx, k, value); err != nil { // as package roster keeps it
			return err
		}
	}
	return nil
}
