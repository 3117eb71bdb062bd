/* SPDX-License-Identifier: GPL-2.0-only */
/* Words for what this edge sees one direction of, and for its own packets coming back. */
#include "core/cause_text.h"

void cause_one_way_tell(const struct cause_facts *f, struct text *msg, struct text *fix)
{
	if (f->no_syn)
		text_add(msg, ": a SYN-ACK passes here whose SYN did not");
	else
		text_add(msg, ": its ACK numbers grow over data that never passed here");
	if (f->forward.path < 0)
		text_add(msg, ", so the inside host sends by another way");
	else
		text_add(msg, ", so the answers come home by another way");
	text_add(fix, "run sameway on the other edge too, or tap both: one side can't call it "
		      "asymmetric. ");
	if (f->forward.path < 0)
		text_add(fix, "Where does the inside host's gateway send it (`ip route get`, "
			      "traceroute from there)?");
	else
		text_add(fix, "Which edge do Azure's effective routes of that host name as next "
			      "hop for our prefix?");
}

void cause_spoof_tell(const struct cause_facts *f, struct text *msg, struct text *fix)
{
	char src[PREFIX_STRLEN], dst[PREFIX_STRLEN];

	prefix_format(&f->src, src);
	prefix_format(&f->dst, dst);
	text_add(msg, "%s -> %s: packets with a source of ours come in", src, dst);
	if (f->reverse.path >= 0)
		text_add(msg, " by %s (%s, %s)", f->reverse.name, class_name(f->reverse.class),
			 f->reverse.interface);
	if (f->loops) {
		text_add(msg, ": a routing loop, they have left here before");
		if (f->forward.path >= 0)
			text_add(msg, " by %s", f->forward.name);
		text_add(fix,
			 "behind %s somebody's route for %s points back here: traceroute to it "
			 "shows the same hops again and again, with a TTL that falls",
			 f->reverse.path >= 0 ? f->reverse.name : "the path", dst);
	} else {
		text_add(msg, ": a spoofed source, none of that flow has left here");
		text_add(fix,
			 "find who sends them behind %s, and filter source %s there; or a part of "
			 "that network is on the far side: renumber it, or correct `networks:`",
			 f->reverse.path >= 0 ? f->reverse.name : "the path", src);
	}
	text_add(fix, f->monitor ? "; `mode: monitor` lets them pass, `mode: enforce` drops them"
				 : "; they are dropped here");
}
