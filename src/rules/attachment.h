/*
 * attachment.h - what the loaders learn about the places an NSG protects: interfaces, subnets, public addresses, and
 * the admin rules that come before any NSG.
 *
 * Plain data, shared by the loaders (which fill it) and the exposure (which reads it). Texts live as those of nsg.h.
 * Ids are as the export spells them and compare without case.
 */
#ifndef NSF_ATTACHMENT_H
#define NSF_ATTACHMENT_H

#include "rules/nsg.h"

/* A network interface. */
struct nsf_nic {
    struct nsf_slice id;
    struct nsf_slice name;
    struct nsf_slice mac; /* 12 upper case hex digits, or absent */
    struct nsf_slice nsg; /* id of the NSG on the interface, or absent: none, when has_nsg */
    struct nsf_slices subnets;
    struct nsf_slices public_ips; /* ids of the public addresses of its IP configurations */
    struct nsf_slices private_ips;
    struct nsf_slice vm;
    bool has_nsg;          /* the export would show an NSG on the interface: `nsg` absent means that there is none */
    bool has_public_ips;   /* the export would show public addresses: none listed means that there are none */
    bool is_load_balanced; /* in a back-end pool or behind an inbound NAT rule: a public path without an own address */
};

struct nsf_subnet {
    struct nsf_slice id;
    struct nsf_slice nsg; /* or absent: none */
};

struct nsf_public_ip {
    struct nsf_slice id;
    struct nsf_slice address;     /* or absent: not assigned now */
    struct nsf_slice attached_to; /* id of the IP configuration it belongs to, or absent: none */
};

enum nsf_admin_access {
    NSF_ADMIN_ACCESS_UNREADABLE,
    NSF_ADMIN_ACCESS_ALLOW, /* goes on to the NSG */
    NSF_ADMIN_ACCESS_ALWAYS_ALLOW,
    NSF_ADMIN_ACCESS_DENY,
};

/* A security admin rule of Azure Virtual Network Manager. `rule.access` is Allow for AlwaysAllow too. */
struct nsf_admin_rule {
    struct nsf_rule rule; /* priority 1..4096, counted apart from those of NSGs */
    enum nsf_admin_access access;
    struct nsf_slice collection;
    /* What it applies to, where the export says so: virtual network ids (effective rules), region (active rules). */
    struct nsf_slices vnets;
    struct nsf_slice region;
    bool is_direction_assumed; /* the export has no direction: taken for inbound */
};

enum nsf_attachment_kind {
    NSF_ATTACHMENT_NIC,
    NSF_ATTACHMENT_SUBNET,
    NSF_ATTACHMENT_PUBLIC_IP,
    NSF_ATTACHMENT_ADMIN_RULE,
};

struct nsf_attachment {
    enum nsf_attachment_kind kind;
    struct nsf_place place;
    union {
        struct nsf_nic nic;
        struct nsf_subnet subnet;
        struct nsf_public_ip public_ip;
        struct nsf_admin_rule admin_rule;
    } u;
};

#endif
