/*
 * version.h - the version of the program, as --version and every JSON document give it.
 */
#ifndef NSF_VERSION_H
#define NSF_VERSION_H

#define NSF_VERSION "0.1.0"

#endif
