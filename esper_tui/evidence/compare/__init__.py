"""``esper compare``: does growing pay on a task?  Arms paired by seed, and a table with intervals.

``run.compare`` plays a ``plan.Plan`` into a folder and can be called again to go on.  Arms of one seed share the
split, the initialisation of the host, the order of the data and its augmentation.  The folder::

    plan.json         what is compared; a second call with another plan is refused
    units/*.json      what is finished: one file per step on the tuning seeds, one per (arms, block of seeds)
    comparison.json   the summary, below
    rows.csv          one line per arm and seed: every number that the table is made of
    table.md          the table for people
    progress.json     how far it is (``leyline.comparison.ComparisonProgress``); the screen shows it

``comparison.json`` (written anew after every block; every accuracy is a fraction, every FLOPs count a number of
floating-point operations, an interval is ``{"value", "low", "high", "n"}`` or null where there are too few seeds)::

    schema      1
    preset      name of the preset;  config: the resolved configuration, the swept learning rate in it
    seeds       how many are finished;  tuning: what was found on the tuning seeds: ``sweep`` (learning rate →
                validation accuracies), ``rates`` (of the random arm), ``schedule``, ``shape``
    arms        in the order of the table, each {"arm", "what", "n", "params" (mean), "epochs" (mean),
                "acc" (interval of the IQM of the test accuracy), "vs": {"A0": {"difference", "better"}, "A7": …}
                (both intervals: IQM of the paired difference, probability of improvement),
                "flops": {"training", "incubation", "ablation", "control", "total"} (means), "waste" (share of the
                training FLOPs that went into seeds which were not kept), "planted", "pruned", "kept" (means),
                "area" (validation accuracy averaged over training FLOPs), "drop" (largest loss of validation accuracy
                within an epoch after a decision), "precision": {"value", "low", "high", "n"} of kept seeds or null,
                "curve": {"flops": […], "val_acc": […]} (means over seeds; a point per epoch, or fewer)}
    contrasts   [{"a", "b", "difference", "p", "p_holm"}]: primary contrasts, Wilcoxon's signed rank test, Holm
    rows        the lines of rows.csv as objects, with "kept": [{"slot", "blueprint", "form"}] as a list
    forks       [{"arm", "seed", "slot", "blueprint", "epoch", "gains": […], "paid"}]: kept seeds against the same
                environment continued without them
    missing     {arm: why it is not there}

The Pareto plot of a report is ``params`` against ``test_acc`` of ``rows``.
"""
