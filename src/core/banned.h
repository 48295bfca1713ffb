/*
 * banned.h - calls that this project does not make.
 *
 * Each has a bounded or reentrant replacement: snprintf, memcpy with a checked length, nsf_slice_to_u64, nsf_time_*.
 * Using one does not compile. The system headers that declare them are included by nsf_common.h before this list.
 */
#ifndef NSF_BANNED_H
#define NSF_BANNED_H

#define NSF_BANNED(name) sorry_##name##_is_a_banned_call

#undef strcpy
#define strcpy(d, s) NSF_BANNED(strcpy)
#undef strcat
#define strcat(d, s) NSF_BANNED(strcat)
#undef strncpy
#define strncpy(d, s, n) NSF_BANNED(strncpy)
#undef strncat
#define strncat(d, s, n) NSF_BANNED(strncat)
#undef sprintf
#define sprintf(...) NSF_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) NSF_BANNED(vsprintf)
#undef strtok
#define strtok(s, d) NSF_BANNED(strtok)
#undef atoi
#define atoi(s) NSF_BANNED(atoi)
#undef atol
#define atol(s) NSF_BANNED(atol)
#undef atof
#define atof(s) NSF_BANNED(atof)
#undef localtime
#define localtime(t) NSF_BANNED(localtime)
#undef gmtime
#define gmtime(t) NSF_BANNED(gmtime)
#undef ctime
#define ctime(t) NSF_BANNED(ctime)
#undef asctime
#define asctime(t) NSF_BANNED(asctime)

#endif
