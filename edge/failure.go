package edge

import "limegrove/lime"

// failure is why a session has ended before it was established; it is the label reason of
// limegrove_edge_establishments_total.
type failure string

const (
	failedLeft           failure = "left"           // the client went away
	failedAuthentication failure = "authentication" // the credentials were not accepted
	failedTimeout        failure = "timeout"        // it took too long
	failedNegotiation    failure = "negotiation"    // an option that was not offered
	failedRegistration   failure = "registration"   // another session has the node, or the cluster refuses it
	failedQuota          failure = "quota"          // the identity, or the address, has as many as it may
	failedMalformed      failure = "malformed"      // what the client has sent
	failedUnavailable    failure = "unavailable"    // the edge ends, is too busy, or the cluster could not tell
	failedOther          failure = "other"
)

var failureNames = []failure{
	failedLeft, failedAuthentication, failedTimeout, failedNegotiation, failedRegistration, failedQuota, failedMalformed, failedUnavailable, failedOther,
}

// failureOf names the code of the reason that a client was given; 0 for none.
func failureOf(why lime.Code) failure {
	switch {
	case why == 0:
		return failedLeft
	case why == lime.CodeSessionAuthenticationFailed:
		return failedAuthentication
	case why == lime.CodeSessionNegotiationTimeout:
		return failedTimeout
	case why == lime.CodeSessionNegotiationInvalidOptions:
		return failedNegotiation
	case why == lime.CodeSessionRegistrationError:
		return failedRegistration
	case why == lime.CodeAuthorizationQuotaThresholdExceeded:
		return failedQuota
	case why == lime.CodeSessionError:
		return failedUnavailable
	case why == lime.CodeSessionInvalidActionForState, why >= lime.CodeValidationError && why < lime.CodeAuthorizationError:
		return failedMalformed
	}
	return failedOther
}
