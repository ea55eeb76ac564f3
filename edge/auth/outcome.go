package auth

import (
	"errors"

	"limegrove/lime"
)

// Outcome is how a login ended, as its metric's label says it. A client is told less:
// whatever is wrong with its credentials, it hears the same.
type Outcome string

// The outcomes.
const (
	OutcomeGranted     Outcome = "granted"
	OutcomeCredentials Outcome = "credentials" // they do not hold, or cannot be read
	OutcomeName        Outcome = "name"        // a guest wants the name of an account
	OutcomeCertificate Outcome = "certificate" // there is none for the identity's domain
	OutcomeToken       Outcome = "token"       // it is none, or its signature does not hold
	OutcomeIssuer      Outcome = "issuer"      // it is of none that is known
	OutcomeSigner      Outcome = "signer"      // its issuer has no such key
	OutcomeAudience    Outcome = "audience"    // it is for somebody else
	OutcomeExpired     Outcome = "expired"     // it has, or does not hold yet
	OutcomeSubject     Outcome = "subject"     // it is of another identity
	OutcomeIdentity    Outcome = "identity"    // nobody may log in with it
	OutcomeScheme      Outcome = "scheme"      // it is not offered
	OutcomeFault       Outcome = "fault"       // ours: it could not be looked at
)

// refusal is a reason for the client with an outcome for us.
type refusal struct {
	*lime.Reason
	outcome Outcome
}

// Unwrap is for lime.AsReason.
func (r *refusal) Unwrap() error { return r.Reason }

// OutcomeOf tells how the login ended that err is the error of.
func OutcomeOf(err error) Outcome {
	var r *refusal
	switch {
	case err == nil:
		return OutcomeGranted
	case errors.As(err, &r):
		return r.outcome
	}
	return OutcomeFault
}

// Refused is the one answer to credentials that do not hold. Unknown accounts, wrong
// passwords and passwords that cannot be decoded get the same (L-SES-16).
func Refused(why Outcome) error {
	return &refusal{lime.NewReason(lime.CodeSessionAuthenticationFailed, "The credentials were not accepted"), why}
}

// RefusedFor is a reason for the client in somebody else's words.
func RefusedFor(why Outcome, reason *lime.Reason) error { return &refusal{reason, why} }

// unusable is the answer to an identity that nobody may log in with.
func unusable(why string) error {
	return &refusal{lime.NewReason(lime.CodeValidationInvalidIdentity, "%s", why), OutcomeIdentity}
}
