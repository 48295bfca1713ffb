/*
 * providers.h - published sending ranges of well-known mail providers, as the program carries them. Data with a date: a
 * provider moves, and the owner's own list (--senders) is asked first.
 */
#ifndef NSF_PROVIDERS_H
#define NSF_PROVIDERS_H

#include "lists/networks.h"

/* Adds all of them. */
void nsf_providers_add(struct nsf_networks *networks);

#endif
