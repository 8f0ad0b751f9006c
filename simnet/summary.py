"""What a swarm run comes to: the summary object, complaints, and the text for people."""
import collections

from spread import summary_ms


def count_senders(chain):
    """How often each sender stands in the chain."""
    return collections.Counter(entry["sender"] for block in chain
                               for entry in block["transactions"])


def copies_per_delivery(counters):
    """Payloads received for each one that was new to its receiver."""
    received = counters["ezp2p_transactions_received_total"]
    fresh = received - counters["ezp2p_transactions_duplicate_total"]
    return round(received / fresh, 3) if fresh > 0 else None


def summarize(swarm, tip, chain, holders, counters):
    accepted = swarm.traffic.accepted if swarm.traffic else set()
    in_chain = count_senders(chain)
    differing = [member.number for member in swarm.members if member.number not in holders]
    return {
        "nodes": len(swarm.members),
        "scenario": swarm.args.subject if swarm.scenario else None,
        "actions": swarm.timeline.done if swarm.timeline else 0,
        "connected_s": swarm.connected_s and round(swarm.connected_s, 3),
        "seconds": round(swarm.seconds, 1),
        "height": len(chain),
        "tip": tip,
        "converged": tip is not None and not differing,
        "differing": differing,
        "tx_posted": swarm.traffic.posted if swarm.traffic else 0,
        "tx_refused": swarm.traffic.refused if swarm.traffic else 0,
        "tx_unanswered": swarm.traffic.unanswered if swarm.traffic else 0,
        "tx_accepted": len(accepted),
        "tx_in_chain": sum(1 for sender in accepted if in_chain[sender] == 1),
        "tx_twice": sum(1 for sender in accepted if in_chain[sender] > 1),
        "block_ms": summary_ms(swarm.blocks.spread.done_ms),
        "tx_ms": summary_ms(swarm.transactions.done_ms),
        "reorgs": swarm.blocks.reorgs,
        "races": swarm.blocks.races,
        "copies": copies_per_delivery(counters),
        "bytes": int(counters["ezp2p_net_sent_bytes_total"]),
        "rss_mib_max": round(max(m.rss_kib_max for m in swarm.members) / 1024, 1),
        "cpu_s": round(swarm.cpu_s, 1),
        "directory": str(swarm.directory) if swarm.args.dir else None,
    }


def verdict(swarm, summary, at_rest):
    """Sentences on how it ended; empty of complaints when all is well."""
    complaints = [f"node {member.number} {member.ended}" for member in swarm.members
                  if member.ended]
    for member in swarm.members:
        if member.number in summary["differing"] and not member.ended:
            where = (f"on {member.tip['hash']} (height {member.tip['height']})" if member.tip
                     else "without an answer")
            complaints.append(f"node {member.number} differs: {where}, "
                              f"others on {summary['tip']} (height {summary['height']})")
    missing = summary["tx_accepted"] - summary["tx_in_chain"] - summary["tx_twice"]
    if missing:
        why = "" if at_rest else " (some may still be pooled: there was no time to mine them)"
        complaints.append(f"{missing} accepted transactions are not in the chain{why}")
    if swarm.scenario and summary["height"] < swarm.scenario.height_min:
        complaints.append(f"the chain has {summary['height']} blocks; the scenario wants "
                          f"{swarm.scenario.height_min}")
    if summary["tx_twice"]:
        complaints.append(f"{summary['tx_twice']} transactions are in the chain more than once")
    return complaints


def in_ms(figures):
    if figures["p50"] is None:
        return "not measured"
    return f"in {figures['p50']} ms (p50), {figures['p99']} ms (p99)"


def show_summary(out, summary):
    block, tx = summary["block_ms"], summary["tx_ms"]
    copies = "no" if summary["copies"] is None else summary["copies"]
    out.write(
        f"{summary['nodes']} nodes, connected after {summary['connected_s']} s, "
        f"{summary['seconds']:.0f} s\n"
        f"  chain         height {summary['height']}, tip {summary['tip']}\n"
        f"  blocks        to all nodes {in_ms(block)}, "
        f"{block['count']} measured, {summary['races']} lost races\n"
        f"  transactions  {summary['tx_accepted']} accepted, {summary['tx_in_chain']} in the chain; "
        f"to all nodes {in_ms(tx)}\n"
        f"  traffic       {copies} copies of each transaction per node, "
        f"{summary['bytes']} bytes between nodes\n"
        f"  memory        at most {summary['rss_mib_max']} MiB in a node; "
        f"{summary['cpu_s']} s of processor time\n")
