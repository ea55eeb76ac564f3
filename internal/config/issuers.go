package config

import (
	"fmt"
	"os"
	"time"

	"gopkg.in/yaml.v2"
)

// Issuer is one whose tokens let in, as the file of -auth-issuers has them.
type Issuer struct {
	Issuer     string        `yaml:"issuer"`     // iss of its tokens
	JWKS       string        `yaml:"jwks"`       // the address of its keys
	Keys       []string      `yaml:"keys"`       // or files with them
	Audience   []string      `yaml:"audience"`   // whom its tokens may be for
	Domains    []string      `yaml:"domains"`    // of the identities that it names; default all served
	Identity   string        `yaml:"identity"`   // how claims name one
	Escape     bool          `yaml:"escape"`     // claims in it are any text
	Algorithms []string      `yaml:"algorithms"` // that it signs with
	Leeway     time.Duration `yaml:"leeway"`
	TakeOver   bool          `yaml:"take-over"` // it may name accounts that have a password
}

// readList reads a YAML file with a list. A key that is not known is an error.
func readList[T any](file, of string) (all []T, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(text, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no %s", file, of)
	}
	return all, nil
}
