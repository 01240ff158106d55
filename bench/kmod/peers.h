/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of bench_peers.ko have for its main file.
 */
#ifndef KUCOMMS_BENCH_PEERS_H
#define KUCOMMS_BENCH_PEERS_H

int copy_init(void);
void copy_exit(void);
int ring_init(void);
void ring_exit(void);
int netlink_peer_init(void);
void netlink_peer_exit(void);
int genetlink_peer_init(void);
void genetlink_peer_exit(void);

#endif /* KUCOMMS_BENCH_PEERS_H */
