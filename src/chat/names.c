/* Names of participants. */

#include "chat/names.h"

#include "base/rand.h"

#include <stdio.h>

/* 80 words and 9,000 numbers: even with half of all names taken, so many tries fail once in 10^19
 * times. */
enum { NAMES_TRIES = 64, NUMBER_FIRST = 1000, NUMBERS = 9000, THEMES = 3, WORDS_MAX = 32 };

static const char *const words[THEMES][WORDS_MAX] = {
    /* sea */
    { "BlueWhale", "CoralReef", "SeaTurtle", "GreyHeron", "SilverWave", "DeepCurrent", "SandDollar",
        "PearlDiver", "StarFish", "SeaOtter", "TidePool", "HarborSeal", "GoldenShell",
        "OceanBreeze", "CalmLagoon", "WhiteGull", "KelpForest", "BrightLantern", "SailFish",
        "HermitCrab", "RiverDelta", "QuietBay", "MarbleRay", "SunnyIsland", "SpottedDolphin",
        "DriftWood", NULL },
    /* land */
    { "RedPanda", "SilverFox", "GreenValley", "MountainGoat", "OakForest", "WildHorse",
        "SnowLeopard", "BrownBear", "GoldenEagle", "MapleLeaf", "DesertRose", "StoneBridge",
        "PineCone", "MeadowLark", "CedarGrove", "SandDune", "PrairieWind", "MossGarden",
        "AmberField", "RockyCanyon", "WillowTree", "BarnOwl", "GreyWolf", "SunFlower", "CopperHill",
        "FernHollow", NULL },
    /* celestial */
    { "SilverMoon", "NorthStar", "SolarWind", "CometTail", "MilkyWay", "BrightNova", "SaturnRing",
        "LunarTide", "MorningStar", "StarDust", "RedPlanet", "CrescentMoon", "PolarLight",
        "DistantGalaxy", "EveningStar", "BlueComet", "GoldenSun", "MeteorTrail", "VenusGlow",
        "SkyLantern", "OrionBelt", "CosmicCloud", "HarvestMoon", "TwinStars", "QuietEclipse",
        "JupiterMoon", NULL },
};

const char *names_word(unsigned theme, unsigned i)
{
    return theme < THEMES && i < WORDS_MAX ? words[theme][i] : NULL;
}

static const char *any_word(void)
{
    unsigned theme = rand_below(THEMES), n = 0;

    while (words[theme][n])
        n++;
    return words[theme][rand_below(n)];
}

bool names_make(bool (*taken)(void *arg, const char *name, bool *yes, struct err *err), void *arg,
    char out[NAMES_TEXT_MAX], struct err *err)
{
    char name[NAMES_TEXT_MAX];

    for (int i = 0; i < NAMES_TRIES; i++) {
        bool yes;

        snprintf(
            name, sizeof name, "%s-%u", any_word(), (unsigned)NUMBER_FIRST + rand_below(NUMBERS));
        if (!taken(arg, name, &yes, err))
            return false;
        if (!yes) {
            snprintf(out, NAMES_TEXT_MAX, "%s", name);
            return true;
        }
    }
    return err_set(err, ERR_BUSY, "no free participant name was found; try again");
}
