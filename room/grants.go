package room

import (
	"encoding/json"
	"fmt"
)

const (
	// MaxGrants is how many rules one identity is granted at most.
	MaxGrants = 1000
	// MaxGrantsBytes bounds them as JSON.
	MaxGrantsBytes = 64 << 10
)

// Grants are the rules that one identity was granted, as they are kept.
type Grants struct {
	// Revision rises with every change, also of other identities' grants. It is 0 where there
	// never were any, or an owner of the name before.
	Revision uint64 `json:"revision"`
	Rules    Rules  `json:"rules,omitempty"`
}

// ParseGranted reads a JSON array of rules that are for one identity, and therefore have no
// who and no history: MaxGrants at most. An error matches ErrRule, and says nothing of what else was given.
func ParseGranted(b []byte) (Rules, error) {
	if len(b) > MaxGrantsBytes {
		return nil, fmt.Errorf("%w: they have more than %d bytes", ErrRule, MaxGrantsBytes)
	}
	var given []json.RawMessage
	if err := json.Unmarshal(b, &given); err != nil {
		return nil, fmt.Errorf("%w: they are no array", ErrRule)
	}
	if len(given) > MaxGrants {
		return nil, fmt.Errorf("%w: they are more than %d", ErrRule, MaxGrants)
	}
	rules := make(Rules, len(given))
	for i, text := range given {
		if err := json.Unmarshal(text, &rules[i]); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i, err)
		}
		if rules[i].Who != Everyone || rules[i].History != nil {
			return nil, fmt.Errorf("%w: rule %d is for one identity, and has no who and no history", ErrRule, i)
		}
	}
	return rules, nil
}
