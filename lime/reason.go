package lime

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Code is a LIME reason code. Codes are the contract, texts are not, and
// implementations may add codes. The zero Code is none.
type Code int

// The reason codes of the reference implementation.
const (
	CodeGeneralError Code = 1 // anything else

	CodeSessionError                       Code = 11 // the session as a whole
	CodeSessionRegistrationError           Code = 12 // the node is in use, or refused
	CodeSessionAuthenticationFailed        Code = 13 // the credentials were not accepted
	CodeSessionUnregisterFailed            Code = 14 // the node could not be let go
	CodeSessionInvalidActionForState       Code = 15 // no such envelope in this state
	CodeSessionNegotiationTimeout          Code = 16 // establishing took too long
	CodeSessionNegotiationInvalidOptions   Code = 17 // an option that was not offered
	CodeSessionInvalidSessionModeRequested Code = 18 // obsolete

	CodeValidationError             Code = 21 // the envelope is malformed
	CodeValidationEmptyDocument     Code = 22 // the content or the resource is missing
	CodeValidationInvalidResource   Code = 23 // the wrong media type
	CodeValidationInvalidStatus     Code = 24 // the wrong status
	CodeValidationInvalidIdentity   Code = 25 // an identity that cannot be used
	CodeValidationInvalidRecipients Code = 26 // a bad from, to or pp
	CodeValidationInvalidMethod     Code = 27 // a method that does not exist
	CodeValidationInvalidURI        Code = 27 // a malformed URI; the same number as the method's

	CodeAuthorizationError                      Code = 31 // may not
	CodeAuthorizationUnauthorizedSender         Code = 32 // may not send as this from, or to this destination
	CodeAuthorizationDestinationAccountNotFound Code = 33 // no such account
	CodeAuthorizationQuotaThresholdExceeded     Code = 34 // a quota is used up
	CodeAuthorizationPermissionRequired         Code = 35 // somebody has to permit it first

	CodeRoutingError               Code = 41 // routing as a whole
	CodeRoutingDestinationNotFound Code = 42 // nobody is reachable there
	CodeRoutingGatewayNotFound     Code = 43 // a foreign domain without a gateway
	CodeRoutingRouteNotFound       Code = 44 // no route

	CodeDispatchError Code = 51 // the hand-over went wrong

	CodeCommandProcessingError      Code = 61 // the command's handler went wrong
	CodeMessageProcessingError      Code = 61 // the same number for messages
	CodeCommandResourceNotSupported Code = 62 // nobody handles the URI
	CodeCommandMethodNotSupported   Code = 63 // the URI is handled, the method is not
	CodeCommandInvalidArgument      Code = 64 // a bad argument
	CodeCommandInvalidSessionMode   Code = 65 // obsolete
	CodeCommandNotAllowed           Code = 66 // forbidden
	CodeCommandResourceNotFound     Code = 67 // the URI is handled, but nothing is stored there

	CodeMessageUnsupportedContentType Code = 71 // the receiver cannot handle the type

	CodeGatewayError                   Code = 81 // the gateway as a whole
	CodeGatewayContentTypeNotSupported Code = 82 // the gateway cannot translate the type
	CodeGatewayDestinationNotFound     Code = 83 // nobody there behind the gateway
	CodeGatewayNotSupported            Code = 84 // the gateway cannot do it
	CodeGatewayRequestLimitReached     Code = 85 // the gateway was asked too often
	CodeGatewayOperationTimedOut       Code = 86 // the gateway got no answer in time
	CodeGatewayUnauthorizedSender      Code = 87 // the gateway refuses the sender

	CodeApplicationError Code = 101 // the receiving application failed
)

// codeNames holds the reference implementation's names. Of two names for one
// number, the first is listed.
var codeNames = map[Code]string{
	CodeGeneralError:                            "GENERAL_ERROR",
	CodeSessionError:                            "SESSION_ERROR",
	CodeSessionRegistrationError:                "SESSION_REGISTRATION_ERROR",
	CodeSessionAuthenticationFailed:             "SESSION_AUTHENTICATION_FAILED",
	CodeSessionUnregisterFailed:                 "SESSION_UNREGISTER_FAILED",
	CodeSessionInvalidActionForState:            "SESSION_INVALID_ACTION_FOR_STATE",
	CodeSessionNegotiationTimeout:               "SESSION_NEGOTIATION_TIMEOUT",
	CodeSessionNegotiationInvalidOptions:        "SESSION_NEGOTIATION_INVALID_OPTIONS",
	CodeSessionInvalidSessionModeRequested:      "SESSION_INVALID_SESSION_MODE_REQUESTED",
	CodeValidationError:                         "VALIDATION_ERROR",
	CodeValidationEmptyDocument:                 "VALIDATION_EMPTY_DOCUMENT",
	CodeValidationInvalidResource:               "VALIDATION_INVALID_RESOURCE",
	CodeValidationInvalidStatus:                 "VALIDATION_INVALID_STATUS",
	CodeValidationInvalidIdentity:               "VALIDATION_INVALID_IDENTITY",
	CodeValidationInvalidRecipients:             "VALIDATION_INVALID_RECIPIENTS",
	CodeValidationInvalidMethod:                 "VALIDATION_INVALID_METHOD",
	CodeAuthorizationError:                      "AUTHORIZATION_ERROR",
	CodeAuthorizationUnauthorizedSender:         "AUTHORIZATION_UNAUTHORIZED_SENDER",
	CodeAuthorizationDestinationAccountNotFound: "AUTHORIZATION_DESTINATION_ACCOUNT_NOT_FOUND",
	CodeAuthorizationQuotaThresholdExceeded:     "AUTHORIZATION_QUOTA_THRESHOLD_EXCEEDED",
	CodeAuthorizationPermissionRequired:         "AUTHORIZATION_PERMISSION_REQUIRED",
	CodeRoutingError:                            "ROUTING_ERROR",
	CodeRoutingDestinationNotFound:              "ROUTING_DESTINATION_NOT_FOUND",
	CodeRoutingGatewayNotFound:                  "ROUTING_GATEWAY_NOT_FOUND",
	CodeRoutingRouteNotFound:                    "ROUTING_ROUTE_NOT_FOUND",
	CodeDispatchError:                           "DISPATCH_ERROR",
	CodeCommandProcessingError:                  "COMMAND_PROCESSING_ERROR",
	CodeCommandResourceNotSupported:             "COMMAND_RESOURCE_NOT_SUPPORTED",
	CodeCommandMethodNotSupported:               "COMMAND_METHOD_NOT_SUPPORTED",
	CodeCommandInvalidArgument:                  "COMMAND_INVALID_ARGUMENT",
	CodeCommandInvalidSessionMode:               "COMMAND_INVALID_SESSION_MODE",
	CodeCommandNotAllowed:                       "COMMAND_NOT_ALLOWED",
	CodeCommandResourceNotFound:                 "COMMAND_RESOURCE_NOT_FOUND",
	CodeMessageUnsupportedContentType:           "MESSAGE_UNSUPPORTED_CONTENT_TYPE",
	CodeGatewayError:                            "GATEWAY_ERROR",
	CodeGatewayContentTypeNotSupported:          "GATEWAY_CONTENT_TYPE_NOT_SUPPORTED",
	CodeGatewayDestinationNotFound:              "GATEWAY_DESTINATION_NOT_FOUND",
	CodeGatewayNotSupported:                     "GATEWAY_NOT_SUPPORTED",
	CodeGatewayRequestLimitReached:              "GATEWAY_REQUEST_LIMIT_REACHED",
	CodeGatewayOperationTimedOut:                "GATEWAY_OPERATION_TIMED_OUT",
	CodeGatewayUnauthorizedSender:               "GATEWAY_UNAUTHORIZED_SENDER",
	CodeApplicationError:                        "APPLICATION_ERROR",
}

// String returns the reference implementation's name, or the number when it
// has none.
func (c Code) String() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return strconv.Itoa(int(c))
}

// Reason is the one error that goes on the wire.
type Reason struct {
	Code        Code   `json:"code"`
	Description string `json:"description,omitempty"`
}

// NewReason returns a reason whose description is formatted as by fmt.Sprintf.
// The description goes to the peer.
func NewReason(code Code, format string, args ...any) *Reason {
	return &Reason{Code: code, Description: fmt.Sprintf(format, args...)}
}

// AsReason returns the *Reason in err's tree, and nil when there is none: then
// err is ours, and its text stays in our log.
func AsReason(err error) *Reason {
	var r *Reason
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// Error returns the description, or the code's name when there is none, and
// the code.
func (r *Reason) Error() string {
	text := r.Description
	if text == "" {
		text = r.Code.String()
	}
	return text + " (code " + strconv.Itoa(int(r.Code)) + ")"
}

// Is tells whether target is a reason with the same code.
func (r *Reason) Is(target error) bool {
	t, ok := target.(*Reason)
	return ok && t != nil && t.Code == r.Code
}

// UnmarshalJSON reads {"code":…,"description":…}, or a string, which is how
// lime-python writes a reason: it becomes the description of a general error.
func (r *Reason) UnmarshalJSON(b []byte) error {
	var text string
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return fmt.Errorf("reason: %w", err)
		}
		*r = Reason{Code: CodeGeneralError, Description: text}
		return nil
	}
	type plain Reason // without this method
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("reason: %w", err)
	}
	*r = Reason(p)
	return nil
}
