package cluster

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/memberlist"
)

var errPlain = errors.New("cluster: gossip begins or ceases to be encrypted with a start")

// CheckKeys tells what SetKeys would say of keys.
func (c *Cluster) CheckKeys(keys [][]byte) error {
	if (len(keys) == 0) != (c.ring == nil) {
		return errPlain
	}
	for _, k := range keys {
		if err := memberlist.ValidateKey(k); err != nil {
			return fmt.Errorf("gossip key: %w", err)
		}
	}
	return nil
}

// SetKeys has gossip use other keys, as Config.Keys has them, from now on. Only a member that was started with keys can.
func (c *Cluster) SetKeys(keys [][]byte) error {
	if err := c.CheckKeys(keys); err != nil || len(keys) == 0 {
		return err
	}
	for _, k := range keys {
		if err := c.ring.AddKey(k); err != nil {
			return fmt.Errorf("gossip key: %w", err)
		}
	}
	if err := c.ring.UseKey(keys[0]); err != nil {
		return fmt.Errorf("gossip key: %w", err)
	}
	for _, old := range slices.Clone(c.ring.GetKeys()) {
		if slices.ContainsFunc(keys, func(k []byte) bool { return slices.Equal(k, old) }) {
			continue
		}
		if err := c.ring.RemoveKey(old); err != nil {
			return fmt.Errorf("gossip key: %w", err)
		}
	}
	return nil
}
