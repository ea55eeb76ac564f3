package lime

import "fmt"

// Code is a LIME reason code. Codes are the contract, texts are not.
type Code int

// Reason is the one error that goes on the wire.
type Reason struct {
	Code        Code   `json:"code"`
	Description string `json:"description,omitempty"`
}

// Error returns the code and the description.
func (r *Reason) Error() string { return fmt.Sprintf("%s (code %d)", r.Description, r.Code) }
