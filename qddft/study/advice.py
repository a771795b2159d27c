"""What to do about a job that failed, from the reason it left."""

import re

# first match counts: pattern of the reason, what to do
_ADVICE = (
    (r"time limit|out of time|TIMEOUT", "retry: it goes on from its last step; or ask for more walltime"),
    (r"out of memory|oom|OUT_OF_MEMORY|memory ran out", "ask for more memory or more nodes, then retry"),
    (r"node fail|NODE_FAIL|preempt", "the computer's fault: retry"),
    (r"no POTCAR|POTCAR", "set VASP_PSP_DIR, run make_potcar.sh in the folder, then retry"),
    (r"licen[cs]e", "no license was free, or none is installed: retry later or ask the computing center"),
    (
        r"not on PATH|no module|not installed|command not found",
        "correct modules and programs of the machine, then retry",
    ),
    (
        r"symmetry|PRICELV|POSMAP|RHOSYG|IBZKPT|SYMPREC",
        "VASP found no consistent symmetry: look at the structure, or set SYMPREC or ISYM in a raw block of the level",
    ),
    (
        r"EDDDAV|BRMIX|ZHEGV|ZPOTRF",
        "set custodian = true in [vasp] of the machine, which corrects such errors, then retry; look at the structure",
    ),
    (r"INCAR", "correct the level (a raw block sets this tag), write the study into a new folder"),
    (r"ZBRENT", "restart from CONTCAR with a tighter EDIFF: retry, and look at the structure if it fails again"),
    (r"NELM|electronic|self-consistent", "the electrons did not converge: look at the structure, or change the level"),
    (r"NSW|max_ionic_steps|not converged", "the relaxation needs more steps: retry goes on from the last one"),
    (r"disk is full|quota|No space", "make room, then retry"),
    (r"cancel", "retry when you want it to go on"),
    (r"killed|SIGKILL|SIGSEGV|segmentation|signal", "retry; if it happens again look at the log in its folder"),
)
_TOO_LARGE = "no node of the partition can hold it: cancel, correct [queue] of the machine, then submit"
_OTHERWISE = "look at the log in its folder, correct the cause, then retry"
# why a job may be pending for ever
_PENDING = (
    (r"^(PartitionConfig|PartitionNodeLimit|PartitionTimeLimit|BadConstraints|.*NodeLimit)$", _TOO_LARGE),
    (r"^(JobHeldUser|JobHeldAdmin|job requeued in held state|JobHoldMaxRequeue)$", "held: scontrol release it"),
    (r"^(Partition(Down|Inactive)|ReqNodeNotAvail.*|Reservation.*)$", "the partition, or its nodes, are not in use"),
    (r"^(Assoc|QOS|Invalid(Account|QOS)).*", "a limit of your account: wait, or ask the computing center"),
    (r"^DependencyNeverSatisfied$", "what it waits for has failed: cancel, then retry"),
)
# how Slurm says on standard error why it ended a job
_SLURM = (
    (r"DUE TO TIME LIMIT", "time limit of the queue"),
    (r"DUE TO PREEMPTION", "preempted by another job"),
    (r"DUE TO NODE FAILURE|NODE FAILURE", "node failure"),
    (r"oom.kill|Out Of Memory|OOM Killed", "out of memory"),
    (r"CANCELLED AT", "cancelled"),
)


def advice(reason: str) -> str:
    """Return what to do about a failure."""
    for pattern, text in _ADVICE:
        if re.search(pattern, reason, re.IGNORECASE):
            return text
    return _OTHERWISE


def queue_advice(reason: str) -> str:
    """Return what to do about a job that Slurm keeps pending for a reason which does not go away by itself."""
    for pattern, text in _PENDING:
        if re.search(pattern, reason):
            return text
    return ""


def end_of_slurm_job(text: str) -> str:
    """Return why Slurm ended a job, from the tail of its output; empty when the output does not say."""
    for pattern, reason in _SLURM:
        if re.search(pattern, text, re.IGNORECASE):
            return reason
    return ""
