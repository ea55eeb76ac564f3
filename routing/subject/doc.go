// Package subject is the only place that knows how addresses, and everything else
// that travels over NATS, become subjects, and how streams are named.
//
//	to.<org>.<example>.@.<name>.<instance>      whoever holds that node
//	to.….@.<name>._                             the bare identity
//	log.<p>.….@.<name>.<instance or _>          the log of partition p, which republishes to to.…
//	inbox.<p>.….@.<name>.<instance or _>        its inbox, likewise
//	group.<p>.….groups.@.<name>                 messages for a group, in the stream of its partition
//	grouped.<p>.….groups.@.<name>               the headers of what is stored there
//	fan.<p>.….groups.@.<name>                   messages for a group that are not stored
//	event.<p>.<org>.<example>.@.<name>          events about an identity, in the stream of its partition
//	event.<p>.….@.<name>._again.<lot>           the same, told again
//	evented.<p>.<org>.<example>.@.<name>        the headers of what is stored there
//	dead.<endpoint>                             events that an endpoint did not take
//	room.<org>.<example>.@.<shape>.<value>…     a room, for whoever is in it
//	roomlog.<p>.<org>.<example>.@.<shape>.…     a room that keeps what is published, in the stream of its partition
//	wide.<org>.<example>.@.<shape>.<value>…     all rooms that a wildcard means
//	attend.<org>.<example>.@.<shape>.<value>…   who comes into a room and leaves it
//	cmd.<org>.<example>                         routers: commands to a domain's server
//	auth.<scheme>                               routers: logins
//	presence.<org>.<example>.@.<name>           routers: an identity's presence may have changed
//	edge.<incarnation>.ctl                      one edge
//	edge.<incarnation>.re.<hops>.<sequence>     the fate of an envelope that reached nobody
//	edge.<incarnation>.re.<hops>.-<turn>        likewise, where nobody wants to know
//	edge.<incarnation>.told.<sequence>.<…>      others were told of that
//	status.ask                                  all members: what each tells of itself
//	status.<incarnation>.do                     one member: what somebody on the status page asks of it
//	ack.<incarnation>.<p>.<sequence>            JetStream's answer to what an edge has stored
//
// The labels of a domain are reversed, so that a wildcard covers a domain with its
// sub-domains. Labels are escaped and folded: addresses compare without regard to
// case.
package subject
