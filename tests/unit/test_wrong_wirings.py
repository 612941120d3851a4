"""Wrong wirings, each made of the shipped virtual server by one edit, and what is said of it."""

from pathlib import Path

import pytest

from tests.support.wirings import (
    ASKS,
    DEFAULT,
    DEFAULT_WITHOUT,
    EAP,
    Edit,
    add,
    both,
    judge,
    line,
    raddb,
    remove,
    site,
)

__all__ = ["raddb"]


def moved_into_inner_tunnel(raddb: Path) -> None:
    """Have the policies stand in the virtual server inside of EAP, and in no other."""
    file = raddb / "sites-enabled/smsotp"
    (raddb / "sites-enabled/inner-tunnel").write_text(
        file.read_text().replace("server smsotp", "server inner-tunnel")
    )
    file.write_text(DEFAULT_WITHOUT)
    add("mods-enabled/eap", EAP)(raddb)


PASSWORD_ALONE = "the password alone lets people in"
WITHOUT_CODE = "gets in without one"
UNREACHED = "smsotp_challenge in Auth-Type PAP is not reached after"
PAP = "\t\t\tpap\n"
UPDATE = "\t\t\tupdate reply {\n\t\t\t\t&Class := 1\n\t\t\t}\n"
PAP_ENDS = "\t\t\tpap {\n\t\t\t\tok = return\n\t\t\t}\n"

#: What is changed, and parts of the sentence that tells it.
WRONG: dict[str, tuple[Edit, tuple[str, ...]]] = {
    "challenge and post-auth forgotten": (
        both(site(ASKS, "\t\t\tpap\n"), site("\t\tsmsotp_post_auth\n", "")),
        ("smsotp_post_auth is not called in post-auth", PASSWORD_ALONE),
    ),
    "all five forgotten": (
        lambda raddb: (raddb / "sites-enabled/smsotp").write_text(DEFAULT_WITHOUT),
        ("no virtual server that clients reach calls smsotp_post_auth (default)", PASSWORD_ALONE),
    ),
    "all five in inner-tunnel": (
        moved_into_inner_tunnel,
        ("no virtual server that clients reach calls smsotp_post_auth (default)", PASSWORD_ALONE),
    ),
    "all five in inner-tunnel, told there": (
        moved_into_inner_tunnel,
        ("virtual server inner-tunnel: smsotp_challenge is called in authenticate, Auth-Type PAP inside of EAP",),
    ),
    "the site is not enabled": (
        both(remove("sites-enabled/smsotp"), add("sites-enabled/default", DEFAULT_WITHOUT)),
        ("no virtual server that clients reach calls smsotp_post_auth (default)", PASSWORD_ALONE),
    ),
    "no virtual server at all": (
        remove("sites-enabled/smsotp"),
        ("no virtual server that clients reach calls smsotp_post_auth (there is none)",),
    ),
    "post-auth forgotten": (
        site("\t\tsmsotp_post_auth\n", ""),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE, "`Auth-Type := Accept` in the users file"),
    ),
    "post-auth commented out": (
        site("\t\tsmsotp_post_auth\n", "\t\t# smsotp_post_auth\n"),
        (f"smsotp_post_auth is not called in post-auth (line {line('smsotp_post_auth')} is commented out)", WITHOUT_CODE),
    ),
    "no post-auth section": (
        site("post-auth {", "accounting {"),
        ("it has no post-auth, where smsotp_post_auth has to be called", WITHOUT_CODE),
    ),
    "post-auth in a condition": (
        site("\t\tsmsotp_post_auth\n", "\t\tif (&NAS-IP-Address == 192.0.2.1) {\n\t\tsmsotp_post_auth\n\t\t}\n"),
        ("smsotp_post_auth is called only in `if (&NAS-IP-Address == 192.0.2.1)`, not always", WITHOUT_CODE),
    ),
    "post-auth in an else": (
        site("\t\tsmsotp_post_auth\n", "\t\tif (&State) {\n\t\tnoop\n\t\t}\n\t\telse {\n\t\tsmsotp_post_auth\n\t\t}\n"),
        ("smsotp_post_auth is called only in `else`, not always",),
    ),
    "post-auth in a switch without default": (
        site("\t\tsmsotp_post_auth\n", "\t\tswitch &NAS-Identifier {\n\t\tcase vpn {\n\t\tsmsotp_post_auth\n\t\t}\n\t\t}\n"),
        ("smsotp_post_auth is called only in `case vpn`, not always",),
    ),
    "post-auth as the second of a redundant": (
        site("\t\tsmsotp_post_auth\n", "\t\tredundant {\n\t\tsql\n\t\tsmsotp_post_auth\n\t\t}\n"),
        ("smsotp_post_auth is called only in `redundant`, not always",),
    ),
    "post-auth in a condition that never holds": (
        site("\t\tsmsotp_post_auth\n", "\t\tif (0) {\n\t\tsmsotp_post_auth\n\t\t}\n"),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE),
    ),
    "post-auth in Post-Auth-Type REJECT only": (
        both(site("\t\tsmsotp_post_auth\n", ""), site("Post-Auth-Type REJECT {", "Post-Auth-Type REJECT {\n\t\tsmsotp_post_auth")),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE),
    ),
    "post-auth after a return": (
        site("\t\tsmsotp_post_auth\n", "\t\treturn\n\t\tsmsotp_post_auth\n"),
        ("smsotp_post_auth is never reached, because post-auth ends before it", WITHOUT_CODE),
    ),
    "post-auth not first": (
        site("\t\tsmsotp_post_auth\n", "\t\texec\n\t\tsmsotp_post_auth\n"),
        (f"smsotp_post_auth is not the first in post-auth, exec (line {line('smsotp_post_auth')}) comes before it",),
    ),
    "post-auth with a minus": (
        site("\t\tsmsotp_post_auth\n", "\t\t-smsotp_post_auth\n"),
        ("-smsotp_post_auth has a - in front of it", "skips it silently"),
    ),
    "post-auth with a minus is no post-auth": (
        site("\t\tsmsotp_post_auth\n", "\t\t-smsotp_post_auth\n"),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE),
    ),
    "post-auth goes on after a reject": (
        site("\t\tsmsotp_post_auth\n", "\t\tsmsotp_post_auth {\n\t\t\treject = 1\n\t\t}\n"),
        ("`reject = 1` changes what follows from smsotp_post_auth",),
    ),
    "a group goes on after a reject": (
        site("\t\tsmsotp_post_auth\n", "\t\tgroup {\n\t\t\tsmsotp_post_auth\n\t\t\treject = noop\n\t\t}\n"),
        ("`reject = noop` changes what follows from smsotp_post_auth",),
    ),
    "post-auth in authorize": (
        both(site("\t\tsmsotp_post_auth\n", ""), site("\t\tpap\n\t\tsmsotp_authorize", "\t\tpap\n\t\tsmsotp_post_auth\n\t\tsmsotp_authorize")),
        ("smsotp_post_auth is called in authorize", "it belongs in post-auth"),
    ),
    "a typing mistake": (
        site("\t\tsmsotp_post_auth\n", "\t\tsmsotp_postauth\n"),
        ("smsotp_postauth is called, but there is no such policy", "FreeRADIUS does not start"),
    ),
    "a policy of the site that nobody calls": (
        both(add("policy.d/mine", "my_lock {\n\tsmsotp_post_auth\n}\n"), site("\t\tsmsotp_post_auth\n", "")),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE),
    ),
    "a policy of the site with a condition": (
        both(
            add("policy.d/mine", "my_lock {\n\tif (&NAS-Identifier) {\n\t\tsmsotp_post_auth\n\t}\n}\n"),
            site("\t\tsmsotp_post_auth\n", "\t\tmy_lock\n"),
        ),
        ("smsotp_post_auth is called only in `if (&NAS-Identifier)`, not always", "policy.d/mine:3"),
    ),
    "authorize forgotten": (
        site("\t\tsmsotp_authorize\n", ""),
        ("smsotp_authorize is not called in authorize", "the code goes on as if it were a password, to pap"),
    ),
    "authorize commented out": (
        site("\t\tsmsotp_authorize\n", "#\t\tsmsotp_authorize\n"),
        (f"smsotp_authorize is not called in authorize (line {line('smsotp_authorize')} is commented out)",),
    ),
    "authorize before the first factor": (
        both(site("\t\tsmsotp_authorize\n", "\t\tldap\n"), site("\t\tfiles\n", "\t\tsmsotp_authorize\n\t\tfiles\n")),
        ("smsotp_authorize is not the last in authorize", "come after it", "lock the account"),
    ),
    "Auth-Type set after authorize": (
        site("\t\tsmsotp_authorize\n", "\t\tsmsotp_authorize\n\t\tupdate control {\n\t\t\t&Auth-Type := LDAP\n\t\t}\n"),
        ("smsotp_authorize is not the last in authorize, Auth-Type is set in",),
    ),
    "Auth-Type set after authorize, without a password": (
        site(
            "\t\tsmsotp_authorize\n",
            "\t\tsmsotp_authorize\n\t\tif (!&User-Password) {\n\t\t\tupdate control {\n\t\t\t\t&Auth-Type := LDAP\n\t\t\t}\n\t\t}\n",
        ),
        ("smsotp_authorize is not the last in authorize, Auth-Type is set in",),
    ),
    "Auth-Type removed after authorize": (
        site("\t\tsmsotp_authorize\n", "\t\tsmsotp_authorize\n\t\tupdate control {\n\t\t\t&Auth-Type !* ANY\n\t\t}\n"),
        ("smsotp_authorize is not the last in authorize, Auth-Type is set in",),
    ),
    "authorize for some only": (
        site("\t\tsmsotp_authorize\n", "\t\tif (&Realm) {\n\t\t\tsmsotp_authorize\n\t\t}\n"),
        ("smsotp_authorize is called only in `if (&Realm)`, not always",),
    ),
    "files ends authorize": (
        site("\t\tfiles\n", "\t\tfiles {\n\t\t\tok = return\n\t\t}\n"),
        ("`ok = return` of files ends authorize before smsotp_authorize", "as if it were a password"),
    ),
    "files ends authorize, in capitals": (
        site("\t\tfiles\n", "\t\tfiles {\n\t\t\tOk = Return\n\t\t}\n"),
        ("`Ok = Return` of files ends authorize before smsotp_authorize",),
    ),
    "a block ends authorize": (
        site("\t\tfiles\n", "\t\tgroup {\n\t\t\tfiles\n\t\t\tok = return\n\t\t}\n"),
        ("`ok = return` of group ends authorize before smsotp_authorize",),
    ),
    "a block ends authorize after everything": (
        site("\t\tfiles\n", "\t\tredundant {\n\t\t\tfiles\n\t\t\tsql\n\t\t\tdefault = return\n\t\t}\n"),
        ("`default = return` of redundant ends authorize before smsotp_authorize",),
    ),
    "a policy of the site ends authorize where it is called": (
        both(add("policy.d/mine", "look_up {\n\tfiles\n}\n"), site("\t\tfiles\n", "\t\tlook_up {\n\t\t\tok = return\n\t\t}\n")),
        ("`ok = return` of look_up ends authorize before smsotp_authorize",),
    ),
    "a policy of the site goes on after a reject": (
        both(
            add("policy.d/mine", "my_lock {\n\tsmsotp_post_auth\n}\n"),
            site("\t\tsmsotp_post_auth\n", "\t\tmy_lock {\n\t\t\treject = 1\n\t\t}\n"),
        ),
        ("`reject = 1` changes what follows from smsotp_post_auth",),
    ),
    "a return ends authorize": (
        site("\t\tfiles\n", "\t\tfiles\n\t\tif (&Realm) {\n\t\t\treturn\n\t\t}\n"),
        ("`return` ends authorize before smsotp_authorize",),
    ),
    "a rejection without a password ends authorize": (
        site("\t\tfiles\n", "\t\tif (!&User-Password && !&EAP-Message) {\n\t\t\treject\n\t\t}\n\t\tfiles\n"),
        ("`reject` in `if (!&User-Password && !&EAP-Message)` ends authorize before smsotp_authorize",),
    ),
    "a return outside of EAP ends authorize": (
        site("\t\tfiles\n", "\t\tfiles\n\t\tif (!&EAP-Message) {\n\t\t\treturn\n\t\t}\n"),
        ("`return` ends authorize before smsotp_authorize",),
    ),
    "authorize in authenticate": (
        both(site("\t\tsmsotp_authorize\n", ""), site("\t\t\tpap\n", "\t\t\tpap\n\t\t\tsmsotp_authorize\n")),
        ("smsotp_authorize is called in authenticate, Auth-Type PAP", "it belongs in authorize"),
    ),
    "no authorize section": (
        site("\tauthorize {", "\tpreacct {"),
        ("it has no authorize, where smsotp_guard has to be called",),
    ),
    "guard forgotten": (
        site("\t\tsmsotp_guard\n", ""),
        ("smsotp_guard is not called in authorize", "may see another name than the plugin does"),
    ),
    "guard not first": (
        both(site("\t\tsmsotp_guard\n", ""), site("\t\tpap\n\t\tsmsotp_authorize", "\t\tpap\n\t\tsmsotp_guard\n\t\tsmsotp_authorize")),
        (f"smsotp_guard is not the first in authorize, files, -expiration, -logintime, pap (line {line('files') - 1}) come before",),
    ),
    "guard for some only": (
        site("\t\tsmsotp_guard\n", "\t\tif (&NAS-Port) {\n\t\t\tsmsotp_guard\n\t\t}\n"),
        ("smsotp_guard is called only in `if (&NAS-Port)`, not always",),
    ),
    "challenge forgotten": (
        site(ASKS, "\t\t\tpap\n"),
        ("no Auth-Type calls smsotp_challenge", "nobody can log in"),
    ),
    "challenge commented out": (
        site("\t\t\t\tsmsotp_challenge\n", "\t\t\t\t#smsotp_challenge\n"),
        (f"no Auth-Type calls smsotp_challenge (line {line('smsotp_challenge')} is commented out)",),
    ),
    "challenge in post-auth": (
        both(site(ASKS, "\t\t\tpap\n"), site("\t\tsmsotp_post_auth\n", "\t\tsmsotp_post_auth\n\t\tsmsotp_challenge\n")),
        ("smsotp_challenge is called in post-auth", "it belongs in authenticate"),
    ),
    "another Auth-Type without challenge": (
        site("\t\tAuth-Type EAP {", "\t\tAuth-Type LDAP {\n\t\t\tldap\n\t\t}\n\t\tAuth-Type EAP {"),
        ("Auth-Type LDAP does not call smsotp_challenge after ldap", "is rejected by smsotp_post_auth"),
    ),
    "a module by itself without challenge": (
        site("\t\tAuth-Type EAP {", "\t\tldap\n\t\tAuth-Type EAP {"),
        ("Auth-Type ldap does not call smsotp_challenge after ldap",),
    ),
    "the same Auth-Type before, without challenge": (
        site("\t\tAuth-Type PAP {", "\t\tpap\n\t\tAuth-Type PAP {"),
        ("no Auth-Type calls smsotp_challenge", "nobody can log in"),
    ),
    "a policy for another kind of list": (
        both(
            add("policy.d/mine", "lock.post-auth {\n\tok\n}\nlock {\n\tsmsotp_post_auth\n}\n"),
            site("\t\tsmsotp_post_auth\n", "\t\tlock\n"),
        ),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE),
    ),
    "challenge before the first factor": (
        site(ASKS, "\t\t\tsmsotp_challenge\n\t\t\tpap\n"),
        ("smsotp_challenge in Auth-Type PAP is called where no first factor has said ok",),
    ),
    "challenge without a first factor": (
        site(ASKS, "\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"),
        ("smsotp_challenge in Auth-Type PAP is called where no first factor has said ok",),
    ),
    "challenge after nothing but ok": (
        site(ASKS, "\t\t\tok\n\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"),
        ("is called after ok only, so no password is asked for",),
    ),
    "challenge in an else": (
        site(ASKS, "\t\t\tpap\n\t\t\tif (fail) {\n\t\t\t\treject\n\t\t\t}\n\t\t\telse {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"),
        ("smsotp_challenge in Auth-Type PAP is in `else`, but has to be in `if (ok)`",),
    ),
    "challenge for some only": (
        site("if (ok) {", "if (ok && &Realm) {"),
        ("smsotp_challenge in Auth-Type PAP is in `if (ok && &Realm)`, but has to be in `if (ok)`",),
    ),
    "challenge in a redundant": (
        site(ASKS, "\t\t\tpap\n\t\t\tredundant {\n\t\t\t\tsmsotp_challenge\n\t\t\t\tok\n\t\t\t}\n"),
        ("smsotp_challenge in Auth-Type PAP is in `redundant`, which does not always call it",),
    ),
    "the first factor ends its Auth-Type": (
        site(PAP, PAP_ENDS),
        (f"{UNREACHED} `ok = return` of pap", "rejected by smsotp_post_auth, whether the password is right or not"),
    ),
    "the first factor ends its Auth-Type in a block with the challenge": (
        site(ASKS, "\t\t\tgroup {\n" + ASKS.replace(PAP, PAP_ENDS) + "\t\t\t}\n"),
        (f"{UNREACHED} `ok = return` of pap",),
    ),
    "the first factor rejects whom it knows": (
        site(PAP, PAP_ENDS.replace("return", "reject")),
        (f"{UNREACHED} `ok = reject` of pap",),
    ),
    "a block with the first factor ends the Auth-Type": (
        site(PAP, "\t\t\tgroup {\n\t\t\t\tpap\n\t\t\t\tok = return\n\t\t\t}\n"),
        (f"{UNREACHED} `ok = return` of group",),
    ),
    "the first factor ends its Auth-Type, in capitals": (
        site(PAP, PAP_ENDS.replace("ok = return", "OK = RETURN")),
        (f"{UNREACHED} `OK = RETURN` of pap",),
    ),
    "the first factor breaks off its Auth-Type": (
        site(PAP, PAP_ENDS.replace("return", "break")),
        (f"{UNREACHED} `ok = break` of pap",),
    ),
    "a block ends the Auth-Type after everything": (
        site(PAP, "\t\t\tgroup {\n\t\t\t\tpap\n\t\t\t\tdefault = return\n\t\t\t}\n"),
        (f"{UNREACHED} `default = return` of group",),
    ),
    "a return before the challenge": (
        site(PAP, PAP + "\t\t\tif (&NAS-Port) {\n\t\t\t\treturn\n\t\t\t}\n"),
        (f"{UNREACHED} `return` in `if (&NAS-Port)`",),
    ),
    "a return before the challenge, in a policy": (
        both(add("policy.d/mine", "check {\n\tpap\n\tif (ok) {\n\t\treturn\n\t}\n}\n"), site(PAP, "\t\t\tcheck\n")),
        (f"{UNREACHED} `return` in `if (ok)`",),
    ),
    "a return before the challenge, in a redundant": (
        site(PAP, "\t\t\tredundant {\n\t\t\t\tgroup {\n\t\t\t\t\tpap\n\t\t\t\t\treturn\n\t\t\t\t}\n\t\t\t\tldap\n\t\t\t}\n"),
        (f"{UNREACHED} `return` in `redundant`",),
    ),
    "attributes are set after the first factor": (
        site(PAP, PAP + UPDATE),
        (f"{UNREACHED} `update`", "rejected, whether the password is right or not; put it before the first factor"),
    ),
    "attributes are set before the challenge": (
        site("\t\t\t\tsmsotp_challenge\n", UPDATE + "\t\t\t\tsmsotp_challenge\n"),
        (f"{UNREACHED} `update`",),
    ),
    "attributes are set after the first factor, for some": (
        site(PAP, PAP + "\t\t\tif (&NAS-Port) {\n" + UPDATE + "\t\t\t}\n"),
        (f"{UNREACHED} `update` in `if (&NAS-Port)`",),
    ),
    "attributes are set after the first factor, in a policy": (
        both(add("policy.d/mine", "set_class {\n" + UPDATE + "}\n"), site(PAP, PAP + "\t\t\tset_class\n")),
        (f"{UNREACHED} `update`",),
    ),
    "attributes are set after the first factor, in a switch": (
        site(PAP, PAP + "\t\t\tswitch &NAS-Port {\n\t\t\t\tcase 1 {\n" + UPDATE + "\t\t\t\t}\n\t\t\t}\n"),
        (f"{UNREACHED} `update` in `switch`",),
    ),
    "a module that says nothing after the first factor": (
        site(PAP, PAP + "\t\t\tnoop\n"),
        (f"{UNREACHED} `noop`",),
    ),
    "a log after a first factor that goes on after wrong passwords": (
        both(add("mods-enabled/log", "linelog log {\n}\n"), site(PAP, "\t\t\tpap {\n\t\t\t\treject = 1\n\t\t\t}\n\t\t\tlog\n")),
        ("is called after log only, so no password is asked for",),
    ),
    "challenge for some only, after ok": (
        site("\t\t\t\tsmsotp_challenge\n", "\t\t\t\tif (&Realm) {\n\t\t\t\t\tsmsotp_challenge\n\t\t\t\t}\n"),
        ("is in `if (&Realm)`, but has to be in `if (ok)`", "some people whose password is right are not asked for a code"),
    ),
    "post-auth in Post-Auth-Type Challenge": (
        site("Post-Auth-Type Challenge {", "Post-Auth-Type Challenge {\n\t\t\tsmsotp_post_auth"),
        ("smsotp_post_auth is called in post-auth, Post-Auth-Type Challenge", "nobody can log in"),
    ),
    "an Autz-Type sets Auth-Type": (
        site(
            "\t\tsmsotp_authorize\n",
            "\t\tsmsotp_authorize\n\t\tAutz-Type x {\n\t\t\tldap\n\t\t\tupdate control {\n\t\t\t\t&Auth-Type := LDAP\n\t\t\t}\n\t\t}\n",
        ),
        ("Auth-Type is set in Autz-Type x, which is run after smsotp_authorize", "a right code is looked up as a password"),
    ),
    "challenge after one of two": (
        site(ASKS, "\t\t\tpap\n\t\t\tldap\n\t\t\tsmsotp_challenge\n"),
        ("is called when any one of pap, ldap says ok, because no `if (ok)` is around it",),
    ),
    "challenge outside of any Auth-Type": (
        site("\t\tAuth-Type EAP {", "\t\tsmsotp_challenge\n\t\tAuth-Type EAP {"),
        ("is outside any Auth-Type",),
    ),
    "challenge after EAP": (
        site("\t\tAuth-Type EAP {\n\t\t\treject\n", "\t\tAuth-Type EAP {\n\t\t\teap\n\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"),
        ("smsotp_challenge in Auth-Type EAP is called after eap, which has no place for a code",),
    ),
    "the module itself in the place of the policy": (
        site("\t\t\t\tsmsotp_challenge\n", "\t\t\t\tsmsotp\n"),
        ("the module smsotp is called by itself in authenticate, Auth-Type PAP",),
    ),
    "no authenticate section": (
        site("\tauthenticate {", "\tsession {"),
        ("it has no authenticate, where smsotp_challenge has to be called",),
    ),
    "sign_reply forgotten": (
        site("\t\t\tsmsotp_sign_reply\n", ""),
        ("smsotp_sign_reply is not called in Post-Auth-Type REJECT", "carry no Message-Authenticator"),
    ),
    "no Post-Auth-Type REJECT": (
        site("Post-Auth-Type REJECT", "Post-Auth-Type Client-Lost"),
        ("there is no Post-Auth-Type REJECT with smsotp_sign_reply",),
    ),
    "sign_reply before the filter": (
        site("-attr_filter.access_reject\n\t\t\tsmsotp_sign_reply", "smsotp_sign_reply\n\t\t\t-attr_filter.access_reject"),
        (f"smsotp_sign_reply is not the last, -attr_filter.access_reject (line {line('-attr_filter.access_reject') + 1}) comes after",),
    ),
    "Post-Auth-Type in the users file": (
        add("mods-config/files/authorize", "open Auth-Type := Accept, Post-Auth-Type := REJECT\n"),
        ("mods-config/files/authorize:3: control:Post-Auth-Type is set to REJECT", "people get in without a code"),
    ),
    "Post-Auth-Type in unlang": (
        site("\t\tfiles\n", "\t\tfiles\n\t\tupdate control {\n\t\t\t&Post-Auth-Type := REJECT\n\t\t}\n"),
        (f"sites-enabled/smsotp:{line('files') + 2}: control:Post-Auth-Type is set to REJECT",),
    ),
    "Post-Auth-Type in a policy": (
        both(
            add("policy.d/mine", "mine {\n\tupdate {\n\t\t&control:Post-Auth-Type := 'mine'\n\t}\n}\n"),
            site("\t\tfiles\n", "\t\tfiles\n\t\tmine\n"),
        ),
        ("policy.d/mine:3: control:Post-Auth-Type is set to mine",),
    ),
    "module not enabled": (
        remove("mods-enabled/smsotp-plugin"),
        ("the module smsotp is not enabled",),
    ),
    "policies not there": (
        remove("policy.d/smsotp"),
        ("the policy smsotp_post_auth is missing",),
    ),
    "policy defined twice": (
        add("policy.d/z", "smsotp_post_auth {\n\tok\n}\n"),
        ("the policy smsotp_post_auth is defined a second time", "it is not certain which of them is called"),
    ),
    "Post-Auth-Type in a users file that is included": (
        both(
            add("mods-config/files/authorize", "$INCLUDE more\n"),
            add("mods-config/files/more", "DEFAULT Auth-Type := Accept, Post-Auth-Type := REJECT\n"),
        ),
        ("mods-config/files/more:1: control:Post-Auth-Type is set to REJECT",),
    ),
    "another spelling": (
        site("\t\tsmsotp_post_auth\n", "\t\tSMSOTP-post-auth\n"),
        ("SMSOTP-post-auth is called, but there is no such policy",),
    ),
    "challenge for more than ok": (
        site("if (ok) {", "if (ok || fail) {"),
        ("is in `if (ok || fail)`, but has to be in `if (ok)`",),
    ),
    "a second site without the lock": (
        lambda raddb: (raddb / "sites-enabled/second").write_text(DEFAULT.replace("\tsmsotp_post_auth\n", "")),
        ("virtual server default: smsotp_post_auth is not called in post-auth", WITHOUT_CODE, "CHAP"),
    ),
}  # fmt: skip


def test_the_table_is_as_long_as_was_promised() -> None:
    assert len(WRONG) >= 30


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_wiring_is_told(raddb: Path, what: str) -> None:
    change, parts = WRONG[what]
    change(raddb)

    told = [str(problem) for problem in judge(raddb).problems]

    assert any(all(part in sentence for part in parts) for sentence in told), told
